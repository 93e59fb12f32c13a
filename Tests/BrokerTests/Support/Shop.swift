import DevTangle
import Foundation
import IOTACrypto
import PaywallCore
import TestSupport

/// A tangle, a seller's address and a broker that sells `sensor/live`: each test has its own.
///
/// A second costs 1000 NANOS, so that a test buys seconds.
struct Shop {
  /// What `paywall.toml` says.
  struct Settings {
    var realm = "plug.test"
    var `protocol` = "rebased-jsonrpc"
    var nodes: [String] = []
    var network = ""
    var address = ""
    var poll = "100ms"
    var agree = 1
    /// From when on payments count, in Unix milliseconds; nil: from the ledger's birth.
    var sinceMs: Int64?
    var free = ["sensor/1m", "sensor/status"]
    var subscribe = "open"
    var price = "1000 nanos"
    var minimum = "1ms"
    var clients = 0
    /// More tables.
    var more = """
      [[offer]]
      name = "other"
      topics = ["other/+"]
      price = "1000 nanos"
      per = "1s"
      """

    private static func written(_ timeMs: Int64) -> String {
      Date(timeIntervalSince1970: Double(timeMs / 1000)).formatted(.iso8601)
    }

    /// The file's text.
    func toml(ledger: String, secret: String) -> String {
      """
      ledger = "\(ledger)"
      secret_file = "\(secret)"
      realm = "\(realm)"
      [tangle]
      protocol = "\(`protocol`)"
      nodes = \(nodes)
      network = "\(network)"
      address = "\(address)"
      poll = "\(poll)"
      agree = \(agree)\(sinceMs.map { "\nsince = \(Self.written($0))" } ?? "")
      [access]
      free = \(free)
      subscribe = "\(subscribe)"
      [[offer]]
      name = "live"
      topics = ["sensor/live"]
      price = "\(price)"
      per = "1s"
      minimum = "\(minimum)"
      clients = \(clients)
      [[account]]
      username = "agent"
      publish = ["sensor/#", "other/#"]
      read = ["sensor/#"]
      \(more)

      """
    }
  }

  let tangle: DevTangle
  let seller = PrivateKey()
  let broker: Mosquitto
  var settings: Settings
  var ledger: LedgerFile { LedgerFile(path: broker.ledgerPath) }

  /// Runs a test with a shop whose broker runs, and stops everything after it.
  static func open(
    _ mosquitto: Mosquitto.Settings = .init(), change: (inout Settings) -> Void = { _ in },
    _ body: (inout Shop) async throws -> Void
  ) async throws {
    try await prepare(mosquitto, change: change) { shop in
      try shop.broker.start()
      try await body(&shop)
    }
  }

  /// The same, but the test starts the broker.
  static func prepare(
    _ mosquitto: Mosquitto.Settings = .init(), change: (inout Settings) -> Void = { _ in },
    _ body: (inout Shop) async throws -> Void
  ) async throws {
    var options = DevTangle.Options()
    options.checkpointMs = 100
    let tangle = try await DevTangle.start(options)
    do {
      var shop = Shop(
        tangle: tangle, broker: try Mosquitto(mosquitto), settings: Settings())
      shop.settings.network = tangle.chainIdentifier
      shop.settings.address = "\(shop.seller.address)"
      shop.settings.nodes = [tangle.nodeURL]
      change(&shop.settings)
      if shop.settings.protocol == "rebased-graphql" {
        shop.settings.nodes = [tangle.graphQLURL]
      }
      try shop.configure()
      try await body(&shop)
      if shop.broker.isRunning { try shop.broker.stop() }
    } catch {
      await tangle.stop()
      throw error
    }
    await tangle.stop()
  }

  /// Writes `paywall.toml`.
  func configure() throws {
    try broker.scratch.write(
      settings.toml(ledger: broker.ledgerPath, secret: broker.secretPath), to: "paywall.toml")
  }

  /// Somebody with money of the tangle's.
  func buyer() async throws -> Buyer {
    let buyer = Buyer(key: PrivateKey(), seller: seller.address, nodeURL: tangle.nodeURL)
    try await tangle.fund(buyer.address)
    return buyer
  }

  /// A connected client: anonymous, or a broker account.
  func client(_ username: String? = nil, version: Client.Version = .v311) throws -> Client {
    try client(
      .init(
        username: username, password: username.map { Mosquitto.password(of: $0) },
        version: version))
  }

  /// A connected client.
  func client(_ options: Client.Options) throws -> Client {
    let client = try Client(port: broker.port, options)
    let reason = try client.connect()
    guard reason == 0 else { throw TestFailure("CONNECT was refused with \(reason)") }
    return client
  }

  /// A connected client whose name is in its certificate.
  func client(_ identity: Certificates.Identity, _ options: Client.Options = .init()) throws
    -> Client
  {
    var options = options
    options.identity = identity
    let client = try Client(port: broker.identityPort, options)
    let reason = try client.connect()
    guard reason == 0 else { throw TestFailure("CONNECT was refused with \(reason)") }
    return client
  }

  /// A connected client of bytes.
  func rawClient(_ options: RawClient.Options) throws -> RawClient {
    let port = options.isWebSocket ? broker.webSocketPort : broker.port
    let client = try RawClient(port: port, options)
    let answer = try client.connect()
    guard answer == .code(0) else { throw TestFailure("CONNECT was refused with \(answer)") }
    return client
  }

  /// A device that publishes.
  func sensor(_ topics: String...) throws -> Sensor {
    try Sensor(port: broker.port, topics: topics)
  }
}
