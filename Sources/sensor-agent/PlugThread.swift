import Foundation
import MQTTClient
import SmartPlug
import Synchronization

/// The thread that runs the feed of one plug.
final class PlugThread: Sendable {
  /// A reading may take some seconds, with a search for the plug a quarter of a minute.
  ///
  /// What takes longer hangs.
  private static let hangsAfterMs: Int64 = 60_000

  private struct State {
    var tickedAtMs: Int64
    var isOnline = false
    var report: String
  }

  /// The plug's source.
  var name: String { source.name }
  private let plug: PlugSettings
  private let source: any PowerSource
  private let publisher: any FeedPublisher
  private let announcements: [MQTTMessage]
  private let log: @Sendable (String) -> Void
  private let stopSignal = StopSignal()
  private let ended = StopSignal()
  private let state: Mutex<State>

  init(
    plug: PlugSettings, source: any PowerSource, publisher: any FeedPublisher,
    announcements: [MQTTMessage], log: @escaping @Sendable (String) -> Void
  ) {
    self.plug = plug
    self.source = source
    self.publisher = publisher
    self.announcements = announcements
    self.log = log
    state = Mutex(State(tickedAtMs: MonotonicClock.nowMs(), report: "\(source.name): not read."))
  }

  /// Whether the feed has been at work lately.
  var isAlive: Bool {
    MonotonicClock.nowMs() - state.withLock { $0.tickedAtMs } < Self.hangsAfterMs
  }

  /// Whether the plug answers.
  var isOnline: Bool { state.withLock { $0.isOnline } }

  /// What has been counted.
  var report: String { state.withLock { $0.report } }

  func start() {
    Thread.detachNewThread {
      self.run()
      self.ended.set()
    }
  }

  /// Ends a running request to the plug, and the feed.
  func stop() {
    stopSignal.set()
    source.cancel()
  }

  func waitUntilEnded(ms: Int) -> Bool { ended.wait(ms: Int64(ms)) }

  private func run() {
    let clock: @Sendable () -> Int64 = { MonotonicClock.nowMs() }
    var feed = PlugFeed(
      settings: plug, source: source, broker: publisher, announcements: announcements,
      clock: clock, log: log)
    var next = clock()
    while !stopSignal.wait(ms: next - clock()) {
      next = feed.tick()
      let isOnline = feed.isOnline
      state.withLock { state in
        state.tickedAtMs = clock()
        state.isOnline = isOnline
      }
    }
    let report = feed.report
    state.withLock { $0.report = report }
  }
}
