import Foundation
import MQTTClient
import SmartPlug
import Testing

@testable import sensor_agent

@Suite struct PayloadTests {
  private func live(_ milliwatts: Int, _ settings: PlugSettings) -> MQTTMessage {
    let sample = PowerSample(milliwatts: milliwatts, state: nil, takenAtMs: 0)
    return Payload(settings).live(
      sample, number: 3, at: Date(timeIntervalSince1970: 1.25), device: "x\"y")
  }

  @Test(arguments: [
    (0, "0.000"), (7, "0.007"), (41_400, "41.400"), (1_000_050, "1000.050"),
    (10_000_000, "10000.000"),
  ])
  func `watts have three digits`(milliwatts: Int, expected: String) {
    #expect(live(milliwatts, PlugSettings(unit: .watts)).text == expected)
    #expect(live(milliwatts, PlugSettings()).text == String(milliwatts))
  }

  @Test func `JSON tells exactly what was read, and nothing that is not known`() {
    let text = live(41_405, PlugSettings(unit: .watts, format: .json)).text
    #expect(
      text == #"{"device":"x\"y","power":41.405,"seq":3,"time":"1970-01-01T00:00:01.250Z","#
        + #""unit":"W"}"#)
  }

  @Test func `the content type fits the format, and only live values expire`() {
    var settings = PlugSettings(format: .json)
    #expect(
      live(1, settings).properties == .init(contentType: "application/json", expiryS: 5))
    settings.expiryS = 0
    settings.format = .number
    #expect(live(1, settings).properties == .init(contentType: "text/plain"))
    let mean = Payload(settings).average(milliwatts: 5, at: Date(), device: "x")
    #expect(mean.isRetained && mean.properties.expiryS == nil && mean.text == "5")
  }

  @Test func `Home Assistant is told a sensor for the power and one for its mean`() throws {
    let plug = PlugSettings(name: "kitchen", unit: .watts, format: .json)
    let messages = HomeAssistantSensor(
      plug, availabilityTopics: ["sensor/agent", "sensor/kitchen/status"]
    ).messages()
    #expect(
      messages.map(\.topic) == [
        "homeassistant/sensor/kitchen/config", "homeassistant/sensor/kitchen_1m/config",
      ])
    #expect(messages.allSatisfy { $0.isRetained && $0.qos == .atLeastOnce })
    let config = try #require(
      try JSONSerialization.jsonObject(with: Data(messages[0].payload)) as? [String: Any])
    #expect(config["state_topic"] as? String == "sensor/kitchen/live")
    #expect(config["device_class"] as? String == "power")
    #expect(config["unit_of_measurement"] as? String == "W")
    #expect(config["value_template"] as? String == "{{ value_json.power }}")
    #expect(config["expire_after"] as? Int == 10)
    #expect(config["unique_id"] as? String == "sensor-agent_kitchen")
    #expect((config["availability"] as? [[String: String]])?.count == 2)
    let plain = HomeAssistantSensor(PlugSettings(), availabilityTopics: []).messages()
    #expect(plain[0].topic == "homeassistant/sensor/sensor_live/config")
    #expect(!plain[0].text.contains("value_template") && plain[0].text.contains(#""mW""#))
  }
}
