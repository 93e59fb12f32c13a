import MQTTClient
import SmartPlug
import Synchronization

/// Readings that somebody else publishes, over a connection of its own.
///
/// Each message counts once, and retained ones do not count, for nobody knows how old they are.
/// Where several have come since the last reading, the newest one is it.
final class MQTTSource: PowerSource {
  /// How long a read waits for a message.
  private static let waitMs = 500
  private static let subscribeTimeoutMs = 3000
  /// No device says more than this about its power.
  private static let maximumPayloadBytes = 65_536

  let name: String
  let isPushed = true
  private let topic: String
  private let place: PowerPlace
  private let client: MQTTClient
  private let cancellation = Atomic(false)
  private let isStarted = Atomic(false)
  private let isSubscribed = Atomic(false)
  private let clock: @Sendable () -> Int64

  /// A source that subscribes to a topic of a broker.
  /// - Throws: `MQTTError` when an option cannot be used.
  init(
    _ options: MQTTOptions, topic: String, place: PowerPlace,
    clock: @escaping @Sendable () -> Int64 = { MonotonicClock.nowMs() }
  ) throws(MQTTError) {
    var options = options
    options.will = nil
    // Only the newest message counts.
    options.maximumWaiting = 16
    client = try MQTTClient(options)
    self.topic = topic
    self.place = place
    self.clock = clock
    name = "mqtt://\(options.host):\(options.port)/\(topic)"
  }

  func read() throws(PlugError) -> PowerSample {
    try subscribe()
    var newest: MQTTMessage?
    while let message = client.nextMessage(timeoutMs: newest == nil ? Self.waitMs : 0) {
      if message.isRetained { continue }
      newest = message
    }
    if cancellation.load(ordering: .acquiring) { throw cancelled }
    guard let newest else {
      guard client.isConnected else { throw noConnection }
      throw PlugError(.nothingNew, "\(name): there has been no message.")
    }
    guard newest.payload.count <= Self.maximumPayloadBytes else {
      throw PlugError(.tooLarge, "\(name): a message has \(newest.payload.count) bytes.")
    }
    return try place.sample(in: newest.payload, from: name, atMs: clock())
  }

  func cancel() {
    cancellation.store(true, ordering: .releasing)
    client.disconnect(timeoutMs: 0)
  }

  private func subscribe() throws(PlugError) {
    if cancellation.load(ordering: .acquiring) { throw cancelled }
    if !isStarted.exchange(true, ordering: .acquiringAndReleasing) { client.start() }
    guard !isSubscribed.load(ordering: .acquiring) else { return }
    guard client.waitUntilConnected(timeoutMs: Self.waitMs) else { throw noConnection }
    do {
      try client.subscribe(to: topic, timeoutMs: Self.subscribeTimeoutMs)
      isSubscribed.store(true, ordering: .releasing)
    } catch {
      throw PlugError(error.kind == .denied ? .refusal : .noAnswer, error.description)
    }
  }

  private var cancelled: PlugError { PlugError(.cancelled, "\(name): it was ended.") }

  private var noConnection: PlugError {
    PlugError(
      .noAnswer, client.lastFailure?.description ?? "\(name): there is no connection yet.")
  }
}
