import Foundation
import MQTTClient
import SmartPlug

/// Where a plug's readings come from.
enum SourceSettings: Equatable {
  /// A WeMo Insight, by its URL, its UDN, or both.
  case wemo(url: String?, udn: String?)
  /// A kind of plug whose JSON is known.
  case preset(HTTPJSONPreset, Account)
  /// Any JSON over HTTP.
  case httpJSON(Account, Place, usesDigest: Bool)
  /// A topic of a broker; nil: the one that is published to.
  case mqtt(topic: String, Place, BrokerSettings?)
  /// A Kasa plug at a host.
  case kasa(address: String)
  /// None; its power is computed.
  case sim(SimulatedPlug.Curve)

  /// A URL, and who may ask it.
  struct Account: Equatable {
    var url: String
    var username: String?
    var passwordFile: String?
    var tokenFile: String?
    /// Home Assistant's name of the sensor.
    var entity: String?
    var channel = 0
  }

  /// Where the power is in a JSON text.
  struct Place: Equatable {
    var pointer = ""
    /// Watts for the number 1.
    var scale = 1.0
  }

  /// The names of the sources in a file.
  static let names = ["wemo", "http-json", "mqtt", "kasa", "sim"]

  /// The source, with its secrets from their files.
  ///
  /// - Parameters:
  ///   - broker: Where is published to.
  ///   - environment: May hold the broker's password.
  /// - Returns: The source, which has not asked anything yet.
  /// - Throws: when a file cannot be read or a value cannot be used.
  func source(
    broker: BrokerSettings, environment: [String: String]
  ) throws -> any PowerSource {
    switch self {
    case .wemo(let url, let udn): return try WeMoInsight(url: url, udn: udn)
    case .preset(let preset, let account):
      var plug = HTTPJSONPreset.Plug(url: account.url)
      plug.username = account.username
      plug.password = try account.password()
      plug.token = try account.token()
      plug.entity = account.entity
      plug.channel = account.channel
      return try preset.source(plug)
    case .httpJSON(let account, let place, let usesDigest):
      var request = HTTPJSONSource.Request(url: account.url)
      request.bearerToken = try account.token()
      request.login = try account.password().map { password in
        HTTPJSONSource.Login(
          usesDigest ? .digest : .basic, username: account.username ?? "admin", password: password)
      }
      return try HTTPJSONSource(request, place: try place.place())
    case .mqtt(let topic, let place, let other):
      var options = try (other ?? broker).options(environment: environment)
      if other == nil { options.clientID = MQTTOptions.randomClientID(prefix: "sensor-agent") }
      return try MQTTSource(options, topic: topic, place: try place.place())
    case .kasa(let address): return try KasaPlug(address: address)
    case .sim(let curve): return try SimulatedPlug(curve)
    }
  }
}

extension SourceSettings.Account {
  fileprivate func password() throws(AgentError) -> String? {
    guard let passwordFile else { return nil }
    return try SecretFile.firstLine(of: passwordFile, what: "password")
  }

  fileprivate func token() throws(AgentError) -> String? {
    guard let tokenFile else { return nil }
    return try SecretFile.firstLine(of: tokenFile, what: "token")
  }
}

extension SourceSettings.Place {
  fileprivate func place() throws(AgentError) -> PowerPlace {
    guard let pointer = JSONPointer(pointer) else {
      throw AgentError(
        "\"\(pointer)\" is no JSON pointer; it looks like /StatusSNS/ENERGY/Power (RFC 6901).")
    }
    return PowerPlace(pointer: pointer, wattsPerUnit: scale)
  }
}
