import Foundation
import MQTTClient
import SmartPlug

/// The feeds of all plugs, each on a thread of its own, over one connection to the broker.
final class Agent: Sendable {
  /// How often the connection, the watchdog and the threads are looked at.
  private static let lookMs: Int64 = 500
  /// How long the threads may take to end; reads are cancelled, so they take milliseconds.
  private static let endMs = 2000

  private let settings: AgentSettings
  private let threads: [PlugThread]
  private let publisher: any FeedPublisher
  /// Nil in a dry run.
  private let client: MQTTClient?
  private let notifier: SystemdNotifier
  private let stopSignal = StopSignal()

  /// An agent whose sources are those of the settings, in their order; without a client, messages
  /// are printed.
  init(
    settings: AgentSettings, sources: [any PowerSource], client: MQTTClient?,
    notifier: SystemdNotifier
  ) {
    self.settings = settings
    self.client = client
    self.notifier = notifier
    let publisher: any FeedPublisher = client ?? PrintedFeed()
    self.publisher = publisher
    threads = zip(settings.plugs, sources).map { plug, source in
      PlugThread(
        plug: plug, source: source, publisher: publisher,
        announcements: settings.announcements(for: plug), log: Self.log)
    }
  }

  /// The will that the client's options need.
  static func will(_ settings: AgentSettings) -> MQTTMessage {
    Payload.status(PlugFeed.offline, topic: settings.willTopic)
  }

  /// Reads and publishes until ``stop()``, then says goodbye and disconnects.
  func run() {
    client?.start()
    threads.forEach { $0.start() }
    notifier.ready()
    watch()
    notifier.stopping()
    threads.forEach { $0.stop() }
    for thread in threads where !thread.waitUntilEnded(ms: Self.endMs) {
      Self.log("The thread of \(thread.name) does not end; the agent ends without it.")
    }
    sayGoodbye()
  }

  /// Ends running requests to the plugs, and the feeds.
  func stop() { stopSignal.set() }

  private func watch() {
    var connection = ConnectionLog(log: Self.log)
    var announced: Int?
    var keptAliveAtMs = Int64.min
    var status: String?
    while !stopSignal.wait(ms: min(Self.lookMs, notifier.watchdogMs ?? Self.lookMs)) {
      if client != nil { connection.note(publisher) }
      let connections = publisher.connections
      if settings.plugs.count > 1, publisher.isConnected, announced != connections {
        let message = Payload.status(PlugFeed.online, topic: settings.broker.agentTopic)
        if (try? publisher.publish(message)) != nil { announced = connections }
      }
      let nowMs = MonotonicClock.nowMs()
      if let watchdogMs = notifier.watchdogMs, threads.allSatisfy(\.isAlive),
        keptAliveAtMs < nowMs - watchdogMs / 2
      {
        keptAliveAtMs = nowMs
        notifier.keepAlive()
      }
      let newStatus = self.status
      if newStatus != status { notifier.status(newStatus) }
      status = newStatus
    }
  }

  private var status: String {
    let online = threads.count(where: \.isOnline)
    let broker = publisher.isConnected ? "connected to" : "no connection to"
    return "\(online) of \(threads.count) plugs online; \(broker) \(publisher.broker)"
  }

  private func sayGoodbye() {
    if let client, client.isConnected {
      // The broker keeps the will to itself after an orderly end, so the agent sends it.
      let topics = Set(settings.plugs.map(\.statusTopic) + [settings.willTopic])
      let messages = topics.sorted().map { Payload.status(PlugFeed.offline, topic: $0) }
      for message in messages.dropLast() { try? client.publish(message) }
      if let last = messages.last { try? client.publish(last, waitMs: 1000) }
    }
    client?.disconnect()
    for thread in threads { Self.log("Stopped. \(thread.report)") }
  }

  static let log: @Sendable (String) -> Void = { line in
    FileHandle.standardError.write(Data("sensor-agent: \(line)\n".utf8))
  }
}

extension AgentSettings {
  /// What Home Assistant is told about a plug.
  fileprivate func announcements(for plug: PlugSettings) -> [MQTTMessage] {
    guard plug.announcesToHomeAssistant else { return [] }
    let topics = Set([plug.statusTopic, willTopic]).sorted()
    return HomeAssistantSensor(plug, availabilityTopics: topics).messages()
  }
}
