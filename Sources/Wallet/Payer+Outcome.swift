import Glibc
import HTTP
import IOTACrypto
import PaywallCore

extension JSONRPCError {
  /// Whether the answer to a first try to execute shows that nothing was and will be executed.
  var provesNotExecuted: Bool {
    if let nodeCode {
      // -32002: refused by the validators or invalid; -32602: malformed; -32601: no such method.
      return [-32002, -32602, -32601, -32600].contains(nodeCode)
    }
    if let transport {
      return [.cannotConnect, .cannotResolve, .tls, .badURL, .badHeader].contains(transport.code)
    }
    // 429 and the like: turned away before the node looked at it. 5xx may come from a proxy that
    // lost patience.
    return status.map { (400..<500).contains($0) && $0 != 408 } ?? (code == .invalidParameters)
  }
}

extension Payer {
  func refusal(_ error: JSONRPCError) -> WalletError {
    WalletError(
      error.code == .node ? .refused : .node, "The payment was not executed: \(error).")
  }

  func outcomeUnknown(_ digest: Digest, after error: JSONRPCError) -> WalletError {
    WalletError(
      .outcomeUnknown(digest),
      "Whether the payment \(digest) was executed is not known: \(error). Look it up before "
        + "paying again.")
  }

  /// A node's words, fit for a sentence of ours.
  func shown(_ words: String) -> String {
    SafeText.line(words, maximumCount: 300)
  }
}

/// A time by which something must have happened.
struct Deadline {
  private let end: ContinuousClock.Instant

  /// So many milliseconds from now.
  init(ms: Int) {
    end = .now + .milliseconds(ms)
  }

  /// Waits that long, unless the deadline would have passed by then.
  ///
  /// - Returns: Whether there is time for another try.
  func wait(ms: Int) -> Bool {
    guard ContinuousClock.now + .milliseconds(ms) < end else { return false }
    usleep(UInt32(clamping: ms * 1000))
    return true
  }
}
