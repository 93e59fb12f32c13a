/// A message as it is published or received.
public struct MQTTMessage: Hashable, Sendable {
  /// How hard the broker and the client try to deliver a message (MQTT 5.0, section 4.3).
  public enum QoS: Int32, Sendable {
    /// Once or not at all.
    case atMostOnce = 0
    /// Acknowledged; perhaps twice.
    case atLeastOnce = 1
    /// Exactly once.
    case exactlyOnce = 2
  }

  /// The topic it is published to.
  public var topic: String
  /// The content.
  public var payload: [UInt8]
  /// How hard delivery is tried.
  public var qos: QoS
  /// Published: the broker keeps it for later subscribers.
  ///
  /// Received: it was kept.
  public var isRetained: Bool
  /// What MQTT 5 says about the content; earlier versions cannot carry it.
  public var properties = Properties()

  /// A message with a payload of bytes.
  public init(
    topic: String, payload: [UInt8], qos: QoS = .atMostOnce, isRetained: Bool = false
  ) {
    self.topic = topic
    self.payload = payload
    self.qos = qos
    self.isRetained = isRetained
  }

  /// A message with a payload of text, in UTF-8.
  public init(topic: String, text: String, qos: QoS = .atMostOnce, isRetained: Bool = false) {
    self.init(topic: topic, payload: Array(text.utf8), qos: qos, isRetained: isRetained)
  }

  /// The payload as text; what is not UTF-8 is replaced by U+FFFD.
  public var text: String { String(decoding: payload, as: UTF8.self) }
}
