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

  private(set) var counts = Counts()
  private let settings: PlugSettings
  private let source: any PowerSource
  private let broker: any FeedPublisher
  private let clock: @Sendable () -> Int64
  private let log: @Sendable (String) -> Void
  private var average: any PowerAverage
  private var failures: FailureLog
  private var nextReadMs: Int64
  private var consecutiveFailures = 0
  private var lastGoodMs: Int64?
  private var isOnline = false
  private var seenConnections = 0
  private var shownFailure: String?
  /// The status as the broker has it, and in which connection it was published.
  private var published: (status: String, connection: Int)?

  init(
    settings: PlugSettings, source: any PowerSource, broker: any FeedPublisher,
    clock: @escaping @Sendable () -> Int64, log: @escaping @Sendable (String) -> Void
  ) {
    self.settings = settings
    self.source = source
    self.broker = broker
    self.clock = clock
    self.log = log
    average =
      switch settings.average {
      case .window: MovingAverage()
      case .ema: ExponentialAverage()
      }
    failures = FailureLog(log: log)
    nextReadMs = clock()
  }

  /// Does what is due now.
  /// - Returns: when it wants to be called again, by the clock it was given.
  mutating func tick() -> Int64 {
    noteConnection()
    if clock() >= nextReadMs { readOnce() }
    noteSilence()
    publishStatus()
    let end = clock()
    var next = min(nextReadMs, end + Self.connectionCheckMs)
    if isOnline, let lastGoodMs {
      next = min(next, lastGoodMs + Int64(settings.silenceMs) + 1)
    }
    return max(next, end)
  }

  /// The message that says goodbye, also for the broker to send when the agent is gone.
  static func farewell(_ settings: PlugSettings) -> MQTTMessage {
    MQTTMessage(
      topic: settings.statusTopic, text: offline, qos: .atLeastOnce, isRetained: true)
  }

  private mutating func readOnce() {
    let dueMs = nextReadMs
    do {
      take(try source.read())
      scheduleNext(dueMs: dueMs)
    } catch {
      guard error.kind != .cancelled else { return }
      counts.bad += 1
      consecutiveFailures += 1
      failures.note(error, atMs: clock())
      if let pauseMs = BackOff.pauseMs(afterFailures: consecutiveFailures) {
        nextReadMs = clock() + max(pauseMs, Int64(settings.intervalMs))
      } else {
        scheduleNext(dueMs: dueMs)
      }
    }
  }

  private mutating func take(_ sample: PowerSample) {
    counts.good += 1
    consecutiveFailures = 0
    average.add(milliwatts: sample.milliwatts, atMs: sample.takenAtMs)
    if !isOnline {
      isOnline = true
      let silence = lastGoodMs.map { " after \((sample.takenAtMs - $0) / 1000) s" } ?? ""
      log("The plug \(source.name) answers\(silence): \(sample.milliwatts) mW.")
    }
    lastGoodMs = sample.takenAtMs
    publishStatus()
    publish(MQTTMessage(topic: settings.liveTopic, text: String(sample.milliwatts)))
    guard let mean = average.milliwatts(atMs: sample.takenAtMs),
      let milliwatts = Int(exactly: mean.rounded())
    else { return }
    // With each reading, as the article's publisher did: whoever subscribes sees it move, and the
    // retained value is never older than the live one.
    publish(
      MQTTMessage(topic: settings.averageTopic, text: String(milliwatts), isRetained: true))
  }

  /// The next time on the grid of the interval that is not over yet.
  private mutating func scheduleNext(dueMs: Int64) {
    let interval = Int64(settings.intervalMs)
    let missed = max(0, (clock() - dueMs) / interval)
    counts.skipped += Int(missed)
    nextReadMs = dueMs + (missed + 1) * interval
  }

  private mutating func noteSilence() {
    guard isOnline, let lastGoodMs, clock() - lastGoodMs > Int64(settings.silenceMs) else { return }
    isOnline = false
    log(
      "The plug \(source.name) has been silent for \((clock() - lastGoodMs) / 1000) s; "
        + "status: offline.")
  }

  private mutating func noteConnection() {
    let connections = broker.connections
    if connections != seenConnections {
      seenConnections = connections
      shownFailure = nil
      log("Connected to the broker \(broker.broker).")
    }
    guard let failure = broker.lastFailure, failure.description != shownFailure else { return }
    shownFailure = failure.description
    log("\(failure.description) Trying again.")
  }

  /// The status is published when it has changed, and again in each new connection, for the broker
  /// has published the last will meanwhile.
  private mutating func publishStatus() {
    let status = isOnline ? Self.online : Self.offline
    let connection = broker.connections
    guard broker.isConnected, published?.status != status || published?.connection != connection
    else { return }
    var message = Self.farewell(settings)
    message.payload = Array(status.utf8)
    if publish(message) { published = (status, connection) }
  }

  /// What cannot be sent now is dropped: a feed has no use for old values.
  @discardableResult
  private func publish(_ message: MQTTMessage) -> Bool {
    guard broker.isConnected else { return false }
    return (try? broker.publish(message)) != nil
  }
}
