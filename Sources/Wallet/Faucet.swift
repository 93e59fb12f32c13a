import FoundationEssentials
import HTTP
public import PaywallCore

/// A service that gives away money of a test network.
///
/// Source: iotaledger/iota, crates/iota-faucet: `/v1/gas` with `/v1/status/{task}`, and the older
/// `/gas`.
public struct Faucet: Sendable {
  private let url: String
  private let client = HTTPClient()

  /// The faucet at a URL, as `http://127.0.0.1:9123`.
  public init(url: String) {
    self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
  }

  /// Asks for money, and waits until it was sent.
  ///
  /// - Returns: What was sent, in NANOS.
  /// - Throws: ``WalletError`` of the code `node`.
  public func request(for address: Address, deadlineMs: Int = 60_000) throws(WalletError) -> Nanos {
    let body = #"{"FixedAmountRequest":{"recipient":"\#(address)"}}"#
    let deadline = Deadline(ms: deadlineMs)
    let (status, answer): (Int, Task) = try send(.post, "/v1/gas", body)
    if status == 404 || status == 405 {
      let (status, answer): (Int, Sent) = try send(.post, "/gas", body)
      guard (200..<300).contains(status), let coins = answer.transferredGasObjects else {
        throw failure(status, answer.error)
      }
      return total(coins)
    }
    guard (200..<300).contains(status), let task = answer.task else {
      throw failure(status, answer.error)
    }
    return try wait(for: task, deadline)
  }

  private func wait(for task: String, _ deadline: Deadline) throws(WalletError) -> Nanos {
    guard task.utf8.allSatisfy({ $0 < 0x80 && ($0 == 0x2d || isAlphanumeric($0)) }) else {
      throw failure(200, "its task has an impossible name")
    }
    while true {
      let (status, answer): (Int, Progress) = try send(.get, "/v1/status/\(task)", nil)
      switch answer.status?.status {
      case "SUCCEEDED": return total(answer.status?.transferred_gas_objects?.sent ?? [])
      case "INPROGRESS":
        guard deadline.wait(ms: 200) else { throw failure(status, "it took too long") }
      case let other:
        throw failure(status, answer.error ?? "the request is \(other ?? "unknown")")
      }
    }
  }

  private func isAlphanumeric(_ byte: UInt8) -> Bool {
    Character(Unicode.Scalar(byte)).isLetter || Character(Unicode.Scalar(byte)).isNumber
  }

  private func total(_ coins: [SentCoin]) -> Nanos {
    coins.reduce(0) { sum, coin in
      let (total, overflow) = sum.addingReportingOverflow(Nanos(clamping: coin.amount.value))
      return overflow ? .max : total
    }
  }

  private func send<Answer: Decodable & Emptiable>(
    _ method: HTTPRequest.Method, _ path: String, _ body: String?
  ) throws(WalletError) -> (Int, Answer) {
    let request = HTTPRequest(
      method, url: url + path, headers: [.init("Content-Type", "application/json")],
      body: Array((body ?? "").utf8))
    let response: HTTPResponse
    do {
      response = try client.send(request)
    } catch {
      throw WalletError(.node, "The faucet did not answer: \(error).")
    }
    // What is no JSON is told by its status.
    let answer = try? JSONDecoder().decode(Answer.self, from: Data(response.body))
    return (response.status, answer ?? Answer())
  }

  private func failure(_ status: Int, _ reason: String?) -> WalletError {
    let reason =
      reason.map { SafeText.line($0, maximumCount: 200) }
      ?? (status == 429 ? "it was asked too often" : "HTTP status \(status)")
    return WalletError(.node, "The faucet \(ShownURL(url)) gave nothing: \(reason).")
  }
}

private protocol Emptiable {
  init()
}

private struct Task: Decodable, Emptiable {
  var task: String?
  var error: String?
}

private struct SentCoin: Decodable {
  var amount: NumberText
}

private struct Sent: Decodable, Emptiable {
  var transferredGasObjects: [SentCoin]?
  var error: String?
}

private struct Progress: Decodable, Emptiable {
  var status: Status?
  var error: String?

  struct Status: Decodable {
    var status: String
    var transferred_gas_objects: Coins?
  }

  struct Coins: Decodable {
    var sent: [SentCoin]
  }
}
