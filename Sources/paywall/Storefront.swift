import MQTTClient
import PaywallCore

/// A broker, as it shows itself to clients that ask what it sells.
struct Storefront {
  private let client: MQTTClient

  init(_ client: MQTTClient) {
    self.client = client
  }

  /// What is sold here.
  func offers() throws -> AdvertisedOffers {
    try AdvertisedOffers(json: message(on: SystemTopic.offers))
  }

  /// The key that the broker makes for us, in JSON.
  func key() throws -> [UInt8] { try message(on: SystemTopic.key) }

  /// Subscribes, and waits for the first message.
  func message(on topic: String, timeoutMs: Int = 10_000) throws -> [UInt8] {
    try client.subscribe(to: topic)
    let end = ContinuousClock.now + .milliseconds(timeoutMs)
    while ContinuousClock.now < end {
      guard let message = client.nextMessage(timeoutMs: 200) else { continue }
      if message.topic == topic { return message.payload }
    }
    throw BrokerError(
      "\(client.broker) says nothing on \(topic); is it a broker with a paywall, and may this user "
        + "read there?")
  }
}
