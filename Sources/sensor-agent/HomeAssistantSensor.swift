import Foundation
import MQTTClient

/// What makes a plug appear in Home Assistant by itself
/// (https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery).
struct HomeAssistantSensor {
  private let plug: PlugSettings
  private let availabilityTopics: [String]

  /// A plug, with the topics that all have to say `online` while its values can be believed.
  init(_ plug: PlugSettings, availabilityTopics: [String]) {
    self.plug = plug
    self.availabilityTopics = availabilityTopics
  }

  /// The announcements of the live power and of its mean, which the broker keeps.
  func messages() -> [MQTTMessage] {
    [
      announcement(id: plug.identifier, name: "Power", topic: plug.liveTopic),
      announcement(id: "\(plug.identifier)_1m", name: "Power (1 min)", topic: plug.averageTopic),
    ]
  }

  private func announcement(id: String, name: String, topic: String) -> MQTTMessage {
    let config = Config(
      name: name, uniqueID: "sensor-agent_\(id)", stateTopic: topic, unit: plug.unit.rawValue,
      valueTemplate: plug.format == .json ? "{{ value_json.power }}" : nil,
      // When bought access ends, nothing comes any more: the sensor then turns unavailable.
      expireAfter: max(10, 4 * plug.intervalMs / 1000),
      precision: plug.unit == .watts ? 1 : 0,
      availability: availabilityTopics.map { Config.Availability(topic: $0) },
      device: Config.Device(
        identifiers: ["sensor-agent_\(plug.identifier)"], name: plug.name ?? "Smart plug"))
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let payload = (try? encoder.encode(config)).map { Array($0) } ?? []
    var message = MQTTMessage(
      topic: "homeassistant/sensor/\(id)/config", payload: payload, qos: .atLeastOnce,
      isRetained: true)
    message.properties.contentType = "application/json"
    return message
  }

  private struct Config: Encodable {
    struct Availability: Encodable {
      var topic: String
    }

    struct Device: Encodable {
      var identifiers: [String]
      var name: String
      var manufacturer = "Mosquitto Paywall"
      var model = "sensor-agent"
    }

    struct Origin: Encodable {
      var name = "sensor-agent"
    }

    var name: String
    var uniqueID: String
    var stateTopic: String
    var unit: String
    var valueTemplate: String?
    var expireAfter: Int
    var precision: Int
    var availability: [Availability]
    var device: Device
    var availabilityMode = "all"
    var deviceClass = "power"
    var stateClass = "measurement"
    var forceUpdate = true
    var origin = Origin()

    enum CodingKeys: String, CodingKey {
      case name
      case uniqueID = "unique_id"
      case stateTopic = "state_topic"
      case unit = "unit_of_measurement"
      case valueTemplate = "value_template"
      case expireAfter = "expire_after"
      case precision = "suggested_display_precision"
      case availability
      case device
      case availabilityMode = "availability_mode"
      case deviceClass = "device_class"
      case stateClass = "state_class"
      case forceUpdate = "force_update"
      case origin
    }
  }
}
