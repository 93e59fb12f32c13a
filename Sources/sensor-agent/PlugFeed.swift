import Foundation
import MQTTClient
import SmartPlug

/// Reads one plug at its times and publishes what it says: the live value, the mean, the status.
///
/// It runs by calls of ``tick()``, one after another, so that there is never more than one request
/// to the plug; a reading that falls due meanwhile is left out. Clock, plug and broker are given.
struct PlugFeed {
  /// What has been counted since the start.
  struct Counts: Equatable {
    var good = 0
    var bad = 0
    /// Readings that fell due while another one was under way.
    var skipped = 0
  }

  static let online = "online"
  static let offline = "offline"
  /// How soon a new connection to the broker is noticed.
  private static let connectionCheckMs: Int64 = 500
  /// How often the counts are logged.
  static let reportEveryMs: Int64 = 3_600_000

  private(set) var counts = Counts()
  private let settings: PlugSettings
  private let payload: Payload
  private let announcements: [MQTTMessage]
  private let source: any PowerSource
  private let broker: any FeedPublisher
  private let clock: @Sendable () -> Int64
  private let timeOfDay: @Sendable () -> Date
  private let log: @Sendable (String) -> Void
  private var average: any PowerAverage
  private var failures: FailureLog
  private var nextReadMs: Int64
  private var consecutiveFailures = 0
  private var lastGoodMs: Int64?
  private(set) var isOnline = false
  private var reportAtMs: Int64
  /// The status as the broker has it, and in which connection it was published.
  private var published: (status: String, connection: Int)?

  /// A feed of a plug that has just been started.
  ///
  /// The announcements are published in each new connection. What is due when is said by the clock
  /// alone, whose milliseconds never jump; the time of day, which does, is only told in texts.
  init(
    settings: PlugSettings, source: any PowerSource, broker: any FeedPublisher,
    announcements: [MQTTMessage] = [], clock: @escaping @Sendable () -> Int64,
    timeOfDay: @escaping @Sendable () -> Date = { Date() },
    log: @escaping @Sendable (String) -> Void
  ) {
    self.settings = settings
    payload = Payload(settings)
    self.announcements = announcements
    self.source = source
    self.broker = broker
    self.clock = clock
    self.timeOfDay = timeOfDay
    self.log = log
    average =
      switch settings.average {
      case .mean: MovingAverage()
      case .ema: ExponentialAverage()
      }
    failures = FailureLog(log: log)
    nextReadMs = clock()
    reportAtMs = clock() + Self.reportEveryMs
  }

  /// The counts in words.
  var report: String {
    "\(label): \(counts.good) readings; \(counts.bad) failed, \(counts.skipped) skipped."
  }

  /// What the plug is called in logs.
  private var label: String { settings.name.map { "\($0) (\(source.name))" } ?? source.name }

  /// Does what is due now.
  /// - Returns: when it wants to be called again, by the clock it was given.
  mutating func tick() -> Int64 {
    if clock() >= nextReadMs { readOnce() }
    noteSilence()
    publishStatus()
    noteCounts()
    let end = clock()
    var next = min(nextReadMs, end + Self.connectionCheckMs)
    if isOnline, let lastGoodMs {
      next = min(next, lastGoodMs + Int64(settings.silenceMs) + 1)
    }
    return max(next, end)
  }

  /// The message that says goodbye, also for the broker to send when the agent is gone.
  static func farewell(_ settings: PlugSettings) -> MQTTMessage {
    Payload(settings).status(offline)
  }

  private mutating func readOnce() {
    let dueMs = nextReadMs
    do {
      take(try source.read())
      scheduleNext(dueMs: dueMs)
    } catch {
      guard error.kind != .cancelled else { return }
      // The source has waited itself, and is waited for again.
      guard error.kind != .nothingNew else { return nextReadMs = clock() }
      fail(error, dueMs: dueMs)
    }
  }

  private mutating func fail(_ error: PlugError, dueMs: Int64) {
    counts.bad += 1
    consecutiveFailures += 1
    failures.note(error, atMs: clock())
    let pauseMs = BackOff.pauseMs(
      afterFailures: consecutiveFailures, atMost: source.maximumPauseMs)
    if let pauseMs, !source.isPushed {
      nextReadMs = clock() + max(pauseMs, Int64(settings.intervalMs))
    } else {
      scheduleNext(dueMs: dueMs)
    }
  }

  private mutating func take(_ sample: PowerSample) {
    counts.good += 1
    consecutiveFailures = 0
    average.add(milliwatts: sample.milliwatts, atMs: sample.takenAtMs)
    if !isOnline {
      isOnline = true
      let silence = lastGoodMs.map { " after \((sample.takenAtMs - $0) / 1000) s" } ?? ""
      log("The plug \(label) answers\(silence): \(sample.milliwatts) mW.")
    }
    lastGoodMs = sample.takenAtMs
    publishStatus()
    let time = timeOfDay()
    let device = source.identity ?? settings.identifier
    publish(payload.live(sample, number: counts.good, at: time, device: device))
    guard let mean = average.milliwatts(atMs: sample.takenAtMs),
      let milliwatts = Int(exactly: mean.rounded())
    else { return }
    // With each reading, as the article's publisher did: whoever subscribes sees it move, and the
    // retained value is never older than the live one.
    publish(payload.average(milliwatts: milliwatts, at: time, device: device))
  }

  /// The next time on the grid of the interval that is not over yet.
  private mutating func scheduleNext(dueMs: Int64) {
    let interval = Int64(settings.intervalMs)
    // Where the source says when, waiting for it leaves nothing out.
    guard !source.isPushed else { return nextReadMs = max(clock(), dueMs + interval) }
    let missed = max(0, (clock() - dueMs) / interval)
    counts.skipped += Int(missed)
    nextReadMs = dueMs + (missed + 1) * interval
  }

  private mutating func noteSilence() {
    guard isOnline, let lastGoodMs, clock() - lastGoodMs > Int64(settings.silenceMs) else { return }
    isOnline = false
    log(
      "The plug \(label) has been silent for \((clock() - lastGoodMs) / 1000) s; "
        + "status: offline.")
  }

  private mutating func noteCounts() {
    guard clock() >= reportAtMs else { return }
    reportAtMs = clock() + Self.reportEveryMs
    log(report)
  }

  /// The status is published when it has changed, and again in each new connection, for the broker
  /// has published the last will meanwhile.
  private mutating func publishStatus() {
    let status = isOnline ? Self.online : Self.offline
    let connection = broker.connections
    guard broker.isConnected, published?.status != status || published?.connection != connection
    else { return }
    if published?.connection != connection { announcements.forEach { publish($0) } }
    if publish(payload.status(status)) { published = (status, connection) }
  }

  /// What cannot be sent now is dropped: a feed has no use for old values.
  @discardableResult
  private func publish(_ message: MQTTMessage) -> Bool {
    guard broker.isConnected else { return false }
    return (try? broker.publish(message)) != nil
  }
}
