import ArgumentParser
import Foundation
import IOTACrypto
import MQTTClient
import Wallet

/// Which broker, and how it is reached.
struct BrokerOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "The broker: mqtt://HOST[:PORT], mqtts://, or ws:// and wss:// where libmosquitto has them.",
      valueName: "url"))
  var url: BrokerURL

  @Option(
    help: ArgumentHelp(
      "PEM file of the authorities that mqtts trusts; default: the system's.", valueName: "file"))
  var cafile: String?

  @Option(help: ArgumentHelp("3.1.1 or 5.", valueName: "version"))
  var mqttVersion = "3.1.1"

  @Option(
    help: ArgumentHelp(
      "The realm that the wallet signs logins for, where it is not the host.", valueName: "realm"))
  var realm: String?

  func validate() throws {
    guard ["3.1.1", "5"].contains(mqttVersion) else {
      throw ValidationError("--mqtt-version is 3.1.1 or 5.")
    }
    guard cafile == nil || url.isEncrypted else {
      throw ValidationError("--cafile is for mqtts:// and wss://.")
    }
    guard realm != "" else { throw ValidationError("The realm must not be empty.") }
  }

  /// Connects, anonymously where no username is given.
  func connect(
    username: String? = nil, password: String? = nil, timeoutMs: Int = 10_000
  ) throws -> MQTTClient {
    var options = MQTTOptions(host: url.host, port: url.port)
    options.username = username
    options.password = password
    options.protocolVersion = mqttVersion == "5" ? .v5 : .v311
    if url.isEncrypted { options.tls = MQTTOptions.TLS(caFile: cafile) }
    if url.isWebsocket { options.transport = .websockets }
    let client = try MQTTClient(options)
    try client.connect(timeoutMs: timeoutMs)
    return client
  }

  /// The options that lead another command of `paywall` to the same broker.
  var words: [String] {
    (cafile.map { ["--cafile", $0] } ?? []) + (realm.map { ["--realm", $0] } ?? [])
  }

  /// Where the logins of this broker are saved.
  var logins: LoginFile {
    LoginFile(
      path: "\(KeyOptions.defaultFolder)/mosquitto-paywall/logins/\(url.place).json")
  }

  /// The wallet's login, for the realm given by hand or else for the host that is dialled, never for
  /// one that only the broker names: it could be another's.
  func walletLogin(_ key: PrivateKey) -> LoginFile.Login {
    let expiryS = Moment.nowMs / 1000 + 86_400
    return LoginFile.Login(
      username: "\(key.address)",
      password: WalletLogin.password(key: key, realm: realm ?? url.host, expiryS: expiryS))
  }

  /// Whether the wallet's login is for the realm that the broker names.
  func isSignedFor(_ advertised: String) -> Bool { advertised == realm ?? url.host }

  /// - Throws: ``BrokerError`` where the wallet must not sign a login for this broker.
  func requireRealm(_ advertised: String) throws {
    guard isSignedFor(advertised) else {
      throw BrokerError(
        "The broker calls itself '\(advertised)', so the wallet signs no login for it; if you know "
          + "it by that name, say so with --realm.")
    }
  }
}
