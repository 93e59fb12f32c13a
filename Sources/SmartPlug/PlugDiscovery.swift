internal import Glibc
internal import HTTP

/// A plug that has answered on the local network.
public struct FoundPlug: Hashable, Sendable, Codable {
  /// The source that reads it: `wemo`, `kasa` or `http-json`.
  public var source: String
  /// The preset of `http-json`.
  public var preset: String?
  /// The URL or the host to configure.
  public var address: String
  /// The plug's own name, the same for ever.
  public var id: String?
  /// The name that its owner gave it.
  public var name: String?
  /// What the maker calls it.
  public var model: String?
}

/// Looks for plugs on the local network.
public enum PlugDiscovery {
  /// Asks for WeMos, then for Kasa plugs, then for Shellys, HomeWizards and Tasmotas, and waits so
  /// long for the answers of each.
  ///
  /// - Returns: The plugs that can be read, in the order of their addresses.
  public static func run(timeoutMs: Int64) -> [FoundPlug] {
    let cancellation = Cancellation()
    let found =
      wemos(timeoutMs, SSDPSearch(), cancellation) + kasas(timeoutMs, cancellation)
      + announced(timeoutMs, cancellation)
    return Set(found).sorted { ($0.source, $0.address) < ($1.source, $1.address) }
  }

  static func wemos(
    _ timeoutMs: Int64, _ search: SSDPSearch, _ cancellation: Cancellation
  ) -> [FoundPlug] {
    var places: [String: PlugAddress] = [:]
    _ = search.run(
      target: WeMoLocator.target, timeoutMs: timeoutMs, cancellation: cancellation
    ) { answer in
      if answer.udn.hasPrefix("uuid:Insight") { places[answer.udn] = PlugAddress(answer.location) }
      return false
    }
    let client = HTTPClient()
    return places.compactMap { udn, place in
      let outcome = WeMoDescription.read(
        host: place.host, port: place.port, client: client, connectTimeoutMs: 1000,
        timeoutMs: 2000)
      guard case .found(let description) = outcome, description.udn == udn else { return nil }
      return FoundPlug(
        source: "wemo", address: "http://\(place.host):\(place.port)", id: udn,
        name: SafeText.line(description.friendlyName, maximumCount: 60),
        model: SafeText.line(description.firmware, maximumCount: 60))
    }
  }

  /// Asks by broadcast; the question is disguised as over TCP, but without a length.
  static func kasas(
    _ timeoutMs: Int64, _ cancellation: Cancellation, host: String = "255.255.255.255",
    port: UInt16 = KasaPlug.usualPort
  ) -> [FoundPlug] {
    var found: [FoundPlug] = []
    guard let socket = Datagrams() else { return [] }
    socket.send(
      KasaCipher.disguised(#"{"system":{"get_sysinfo":{}}}"#), toHost: host, port: port)
    let endMs = MonotonicClock.nowMs() + timeoutMs
    while !cancellation.isSet, MonotonicClock.nowMs() < endMs {
      guard let (bytes, sender) = socket.receive(timeoutMs: 100) else { continue }
      let place = JSONPointer(of: "system", "get_sysinfo")
      guard let text = JSONValue.read(KasaCipher.revealed(bytes)),
        case .object(let info) = place.value(in: text)
      else { continue }
      // Only plugs with a meter have this feature.
      guard case .string(let feature) = info["feature"], feature.contains("ENE") else { continue }
      found.append(
        FoundPlug(
          source: "kasa", address: sender, id: Self.text(info["deviceId"]),
          name: Self.text(info["alias"]), model: Self.text(info["model"])))
    }
    return found
  }

  /// Asks for the services that plugs announce by multicast DNS.
  static func announced(
    _ timeoutMs: Int64, _ cancellation: Cancellation, group: String = ServiceQuestion.group,
    port: UInt16 = ServiceQuestion.port
  ) -> [FoundPlug] {
    guard let socket = Datagrams() else { return [] }
    let question = ServiceQuestion.datagram(services)
    for interface in Datagrams.interfaces() {
      socket.send(question, toHost: group, port: port, from: interface)
    }
    var found: [String: FoundPlug] = [:]
    let endMs = MonotonicClock.nowMs() + timeoutMs
    while !cancellation.isSet, MonotonicClock.nowMs() < endMs {
      guard let (bytes, sender) = socket.receive(timeoutMs: 100) else { continue }
      for (service, name) in ServiceQuestion.instances(bytes) {
        guard let preset = preset(service: service, name: name) else { continue }
        // A Shelly of the second generation announces itself as a web server too.
        if preset == .shelly1, found[sender]?.preset == HTTPJSONPreset.shelly2.rawValue { continue }
        found[sender] = FoundPlug(
          source: "http-json", preset: preset.rawValue, address: "http://\(sender)",
          name: SafeText.line(name, maximumCount: 60))
      }
    }
    return Array(found.values)
  }

  private static let services = ["_shelly._tcp.local", "_hwenergy._tcp.local", "_http._tcp.local"]

  private static func preset(service: String, name: String) -> HTTPJSONPreset? {
    switch service {
    case "_shelly._tcp.local": .shelly2
    case "_hwenergy._tcp.local": .homewizard
    case "_http._tcp.local" where name.lowercased().hasPrefix("shelly"): .shelly1
    case "_http._tcp.local" where name.lowercased().hasPrefix("tasmota"): .tasmota
    default: nil
    }
  }

  private static func text(_ value: JSONValue?) -> String? {
    guard case .string(let text) = value else { return nil }
    return SafeText.line(text, maximumCount: 60)
  }
}
