import Dispatch
import Foundation

/// Signals that ask the process to end, turned into something to wait for.
struct Signals {
  private let stream: AsyncStream<Void>
  private let sources: [any DispatchSourceSignal]

  /// Catches the signals from now on.
  init(_ numbers: [Int32]) {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
    self.stream = stream
    sources = numbers.map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { @Sendable in continuation.yield() }
      source.resume()
      return source
    }
  }

  /// Returns once one of them has come.
  func first() async {
    for await _ in stream { return }
  }
}
