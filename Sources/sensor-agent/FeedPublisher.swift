import MQTTClient

/// Where a feed's messages go.
protocol FeedPublisher: Sendable {
  /// What the broker is called in logs.
  var broker: String { get }
  var isConnected: Bool { get }
  /// How often there was a new connection.
  var connections: Int { get }
  /// Why there is no connection.
  var lastFailure: MQTTError? { get }
  /// Sends a message, without waiting.
  func publish(_ message: MQTTMessage) throws(MQTTError)
}

extension MQTTClient: FeedPublisher {
  func publish(_ message: MQTTMessage) throws(MQTTError) {
    try publish(message, waitMs: nil)
  }
}
