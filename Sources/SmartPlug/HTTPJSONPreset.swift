internal import HTTP

/// Kinds of plugs that answer JSON over HTTP, and where their power is in it.
public enum HTTPJSONPreset: String, CaseIterable, Sendable {
  /// Shelly of the first generation (Plug, Plug S, 1PM: https://shelly-api-docs.shelly.cloud/gen1/).
  case shelly1
  /// Shelly of the second generation and later (https://shelly-api-docs.shelly.cloud/gen2/).
  case shelly2
  /// Anything that runs Tasmota (https://tasmota.github.io/docs/Commands/).
  case tasmota
  /// HomeWizard Energy Socket with its local API turned on
  /// (https://api-documentation.homewizard.com/).
  case homewizard
  /// A sensor of Home Assistant (https://developers.home-assistant.io/docs/api/rest/).
  case homeassistant

  /// What the owner knows of the plug.
  public struct Plug: Sendable {
    /// `http://HOST[:PORT]`, with nothing behind it.
    public var url: String
    /// The user's name; nil: the one that the kind of plug always has.
    public var username: String?
    /// The password; nil: none is set.
    public var password: String?
    /// Home Assistant's long-lived access token.
    public var token: String?
    /// Home Assistant's name of the sensor, such as `sensor.plug_power`.
    public var entity: String?
    /// Which of the plug's switches or meters, from 0.
    public var channel = 0

    /// A plug at a URL, without a password.
    public init(url: String) { self.url = url }
  }

  /// The least milliseconds between two requests that the maker asks for.
  public var minimumIntervalMs: Int { self == .homewizard ? 500 : 0 }

  /// The source for a plug of this kind.
  /// - Throws: when the URL is not of that form, or something is missing.
  public func source(
    _ plug: Plug, clock: @escaping @Sendable () -> Int64 = { MonotonicClock.nowMs() }
  ) throws(PlugError) -> HTTPJSONSource {
    let base = try base(of: plug)
    var request = HTTPJSONSource.Request(url: base + (try path(of: plug)))
    request.name = base
    request.bearerToken = self == .homeassistant ? plug.token : nil
    request.login = plug.password.flatMap { password in
      switch self {
      case .shelly1:
        HTTPJSONSource.Login(.basic, username: plug.username ?? "admin", password: password)
      case .shelly2:
        HTTPJSONSource.Login(.digest, username: plug.username ?? "admin", password: password)
      case .tasmota, .homewizard, .homeassistant: nil
      }
    }
    return try HTTPJSONSource(request, place: place, clock: clock)
  }

  private func base(of plug: Plug) throws(PlugError) -> String {
    let url = plug.url.hasSuffix("/") ? String(plug.url.dropLast()) : plug.url
    let parts = url.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 3, ["http:", "https:"].contains(parts[0]), parts[1].isEmpty,
      !parts[2].isEmpty, !parts[2].contains(where: { "@?# ".contains($0) })
    else {
      throw PlugError(
        .badAddress,
        "\(ShownURL(plug.url)) must be http://HOST or http://HOST:PORT for the preset \(rawValue); "
          + "names and passwords have keys of their own.")
    }
    return url
  }

  private func path(of plug: Plug) throws(PlugError) -> String {
    switch self {
    case .shelly1: return "/meter/\(plug.channel)"
    case .shelly2: return "/rpc/Switch.GetStatus?id=\(plug.channel)"
    case .tasmota:
      let login = plug.password.map {
        "&user=\(Self.escaped(plug.username ?? "admin"))&password=\(Self.escaped($0))"
      }
      return "/cm?cmnd=Status%208" + (login ?? "")
    case .homewizard: return "/api/v1/data"
    case .homeassistant:
      guard let entity = plug.entity, plug.token != nil else {
        throw PlugError(
          .badAddress,
          "\(ShownURL(plug.url)): Home Assistant needs an entity such as sensor.plug_power, and "
            + "a token file.")
      }
      return "/api/states/\(Self.escaped(entity))"
    }
  }

  private var place: PowerPlace {
    switch self {
    case .shelly1:
      var place = PowerPlace(pointer: JSONPointer(of: "power"))
      place.validityPointer = JSONPointer(of: "is_valid")
      return place
    case .shelly2:
      var place = PowerPlace(pointer: JSONPointer(of: "apower"))
      place.switchPointer = JSONPointer(of: "output")
      return place
    case .tasmota:
      return PowerPlace(pointer: JSONPointer(of: "StatusSNS", "ENERGY", "Power"))
    case .homewizard:
      return PowerPlace(pointer: JSONPointer(of: "active_power_w"))
    case .homeassistant:
      var place = PowerPlace(pointer: JSONPointer(of: "state"))
      place.unitPointer = JSONPointer(of: "attributes", "unit_of_measurement")
      return place
    }
  }

  /// Percent-encodes all but letters, digits and `-._~` (RFC 3986, section 2.3).
  private static func escaped(_ text: String) -> String {
    text.utf8.map { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        String(UnicodeScalar(byte))
      default:
        "-._~".utf8.contains(byte)
          ? String(UnicodeScalar(byte))
          : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }.joined()
  }
}
