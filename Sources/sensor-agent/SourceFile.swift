import Foundation
import SmartPlug
import TOML

// The part of a [[plug]] that says where its readings come from. A key of another kind of source
// is a mistake, so each kind asks for its own alone.
extension SourceSettings {
  static func read(
    _ table: TOMLTable, _ contents: (String) -> Data?
  ) throws(TOMLError) -> SourceSettings? {
    switch try table.choice("source", of: names) ?? "wemo" {
    case "http-json": return try httpJSON(table)
    case "mqtt": return try mqtt(table)
    case "kasa": return .kasa(address: try table.requiredString("host", example: "192.168.1.20"))
    case "sim": return .sim(try curve(table, contents))
    default:
      let url = try table.text("url")
      let udn = try table.text("udn")
      return url == nil && udn == nil ? nil : .wemo(url: url, udn: udn)
    }
  }

  private static func httpJSON(_ table: TOMLTable) throws(TOMLError) -> SourceSettings {
    var account = Account(url: try table.requiredString("url", example: "http://192.168.1.20"))
    account.username = try table.text("username")
    account.passwordFile = try table.text("password_file")
    if let preset = try table.value("preset", HTTPJSONPreset.self) {
      switch preset {
      case .homeassistant:
        account.entity = try table.requiredString("entity", example: "sensor.plug_power")
        account.tokenFile = try table.requiredString("token_file", example: "/etc/token")
      case .shelly1, .shelly2: account.channel = try table.integer("channel", in: 0...99) ?? 0
      case .tasmota, .homewizard: break
      }
      return .preset(preset, account)
    }
    account.tokenFile = try table.text("token_file")
    let login = try table.choice("login", of: ["basic", "digest"])
    return .httpJSON(account, try place(table), usesDigest: login == "digest")
  }

  private static func mqtt(_ table: TOMLTable) throws(TOMLError) -> SourceSettings {
    let topic = try table.requiredString("topic", example: "zigbee2mqtt/plug")
    var broker: BrokerSettings?
    if let other = try table.table("broker") {
      broker = BrokerSettings()
      try broker?.read(other)
    }
    return .mqtt(topic: topic, try place(table), broker)
  }

  private static func place(_ table: TOMLTable) throws(TOMLError) -> Place {
    var place = Place()
    place.pointer = try table.string("pointer") ?? place.pointer
    place.scale = try table.number("scale", in: 1e-9...1e9) ?? place.scale
    guard JSONPointer(place.pointer) != nil else {
      throw table.error("pointer", "is no JSON pointer; it looks like /ENERGY/Power (RFC 6901)")
    }
    return place
  }

  private static func curve(
    _ table: TOMLTable, _ contents: (String) -> Data?
  ) throws(TOMLError) -> SimulatedPlug.Curve {
    let watts = 0...Double(PowerSample.maximumMilliwatts / 1000)
    let seconds = 0.001...31_536_000
    switch try table.choice("curve", of: ["sine", "steps", "csv"]) ?? "sine" {
    case "steps":
      let steps = try table.numbers("watts", in: watts)
      guard !steps.isEmpty else {
        throw table.error("watts", "is missing; add a line such as watts = [40, 60.5, 0]")
      }
      return .steps(watts: steps, eachS: try table.number("step_s", in: seconds) ?? 10)
    case "csv":
      let path = try table.requiredString("file", example: "/etc/power.csv")
      guard let data = contents(path),
        let curve = SimulatedPlug.Curve(csv: String(decoding: data, as: UTF8.self))
      else {
        throw table.error(
          "file", "cannot be read as lines of SECONDS,WATTS in the order of time, two at least")
      }
      return curve
    default:
      return .sine(
        lowWatts: try table.number("low_w", in: watts) ?? 20,
        highWatts: try table.number("high_w", in: watts) ?? 100,
        periodS: try table.number("period_s", in: seconds) ?? 60)
    }
  }
}
