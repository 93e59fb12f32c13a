internal import CCurl
internal import Synchronization

/// Sends requests through libcurl, one after another, over a connection that is kept alive.
///
/// It is made for a plain thread inside somebody else's program: no signal, no trap, no further
/// thread but the one libcurl starts to resolve a name, and an end within 200 ms of ``cancel()``.
/// Redirects are not followed; proxies are taken from the environment as libcurl does
/// (https://curl.se/libcurl/c/libcurl-env.html).
public final class HTTPClient: Sendable {
  /// Nil until it could be made: it takes open files.
  private let multi = Mutex(CurlMulti())
  private let turn = Mutex(())
  private let isCancelled = Atomic(false)
  private let goesOn: @Sendable () -> Bool

  /// A client without a connection; the first request makes one.
  ///
  /// - Parameter goesOn: Whether to go on waiting for an answer; false ends the request with
  ///   ``HTTPError/Code/cancelled``, and no other. Called at least every 200 ms during a request, on
  ///   the thread that sends it; it may not call the client.
  public init(goesOn: @escaping @Sendable () -> Bool = { true }) {
    self.goesOn = goesOn
  }

  /// Sends a request and waits for the whole answer, of whatever status.
  ///
  /// Several threads may call it; they take turns.
  public func send(_ request: HTTPRequest) throws(HTTPError) -> HTTPResponse {
    let url = ShownURL(request.url)
    let multi = self.multi.withLock { multi in
      if multi == nil { multi = CurlMulti() }
      return multi
    }
    guard let multi else {
      throw HTTPError(
        code: .unavailable, url: url.description,
        reason: "libcurl could not be started; is memory short, or are too many files open?")
    }
    return try turn.withLock { (_) throws(HTTPError) in
      let transfer = try Transfer(request, url: url)
      return try run(transfer, on: multi)
    }
  }

  /// Ends a running request and every later one with ``HTTPError/Code/cancelled``, from any thread.
  public func cancel() {
    isCancelled.store(true, ordering: .releasing)
    multi.withLock { $0 }?.wakeUp()
  }

  private func run(_ transfer: Transfer, on multi: CurlMulti) throws(HTTPError) -> HTTPResponse {
    guard !isCancelled.load(ordering: .acquiring) else { throw transfer.failure(.cancelled) }
    guard multi.add(transfer.handle) else { throw transfer.failure(.unavailable) }
    defer { multi.remove(transfer.handle) }
    while true {
      guard multi.perform() else { throw transfer.failure(.unavailable) }
      if isCancelled.load(ordering: .acquiring) { throw transfer.failure(.cancelled) }
      if let result = multi.result() { return try transfer.response(after: result) }
      // Woken by cancel(); the slice bounds the wait should a wake-up be lost.
      guard multi.wait(timeoutMs: 200) else { throw transfer.failure(.unavailable) }
      guard goesOn() else { throw transfer.failure(.cancelled) }
    }
  }
}
