import Foundation
import MQTTClient
import SmartPlug

/// What a plug's values look like when they are published.
struct Payload {
  private let settings: PlugSettings

  init(_ settings: PlugSettings) { self.settings = settings }

  /// A reading, as the sequence's next one.
  func live(_ sample: PowerSample, number: Int, at time: Date, device: String) -> MQTTMessage {
    let text = text(milliwatts: sample.milliwatts, at: time, device: device) { value in
      value.state = sample.state?.rawValue
      value.seq = number
    }
    var message = MQTTMessage(topic: settings.liveTopic, text: text)
    message.properties = properties
    message.properties.expiryS = settings.expiryS > 0 ? UInt32(settings.expiryS) : nil
    return message
  }

  /// A mean, which the broker keeps for those who come later.
  func average(milliwatts: Int, at time: Date, device: String) -> MQTTMessage {
    var message = MQTTMessage(
      topic: settings.averageTopic,
      text: text(milliwatts: milliwatts, at: time, device: device), isRetained: true)
    message.properties = properties
    return message
  }

  /// Whether the plug is there.
  func status(_ status: String) -> MQTTMessage { Self.status(status, topic: settings.statusTopic) }

  static func status(_ status: String, topic: String) -> MQTTMessage {
    var message = MQTTMessage(topic: topic, text: status, qos: .atLeastOnce, isRetained: true)
    message.properties.contentType = "text/plain"
    return message
  }

  private var properties: MQTTMessage.Properties {
    MQTTMessage.Properties(
      contentType: settings.format == .json ? "application/json" : "text/plain")
  }

  private func text(
    milliwatts: Int, at time: Date, device: String, _ more: (inout Value) -> Void = { _ in }
  ) -> String {
    guard settings.format == .json else { return number(milliwatts) }
    var value = Value(
      power: settings.unit == .watts ? Decimal(milliwatts) / 1000 : Decimal(milliwatts),
      unit: settings.unit.rawValue, time: time.formatted(Self.timeFormat), device: device)
    more(&value)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Encoding what is neither infinite nor a number fails for nothing.
    return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }

  /// Watts always have their three digits, so that a column of them can be read.
  private func number(_ milliwatts: Int) -> String {
    guard settings.unit == .watts else { return String(milliwatts) }
    let thousandths = String(milliwatts % 1000)
    return "\(milliwatts / 1000)." + String(repeating: "0", count: 3 - thousandths.count)
      + thousandths
  }

  /// RFC 3339, in UTC, with milliseconds.
  private static let timeFormat = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

  private struct Value: Encodable {
    var power: Decimal
    var unit: String
    var time: String
    var state: String?
    var seq: Int?
    var device: String
  }
}
