import MQTTClient

/// Logs how the connection to the broker fares: each new one, and each new reason for none.
struct ConnectionLog {
  private let log: @Sendable (String) -> Void
  private var seenConnections = 0
  private var shownFailure: String?

  init(log: @escaping @Sendable (String) -> Void) { self.log = log }

  mutating func note(_ broker: any FeedPublisher) {
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
}
