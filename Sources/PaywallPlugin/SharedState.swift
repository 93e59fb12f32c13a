import Access
import Synchronization
import Tangle

/// What the main thread and the watcher's thread both use.
final class SharedState: Sendable {
  let changes = ChangeQueue()
  let log: LogQueue
  let exchange = NoticeExchange()
  let signals = WatcherSignals()
  let clock: SharedClock
  let reading = ReadingState()
  private let source = Mutex<(any PaymentSource)?>(nil)

  init(clock: SharedClock, log: LogQueue) {
    self.clock = clock
    self.log = log
  }

  /// Says which source the watcher reads from, so that it can be cancelled.
  func use(_ newSource: any PaymentSource) {
    source.withLock { source in
      source = newSource
      if signals.isStopping { newSource.cancel() }
    }
  }

  /// Ends the watcher, and whatever it waits for.
  func stop() {
    signals.stop()
    source.withLock { $0?.cancel() }
  }
}
