import CMosquittoPlugin
import DevTangle
import FakeBroker
import Foundation
import IOTACrypto
import PaywallCore
import TestSupport
import Testing
import Wallet

@testable import PaywallPlugin

/// The plugin's real entry points in a fake broker; all calls have to come on one thread.
final class PluginHost {
  let scratch: Scratch
  let configurationPath: String
  private let broker = fake_broker_new()
  private var userdata: UnsafeMutableRawPointer?

  /// What a configuration needs beside offers and access.
  struct Tangle: Sendable {
    var node: String
    var network: String
    var seller: Address
  }

  init(_ configuration: String? = nil, tangle: Tangle) throws {
    scratch = try Scratch()
    configurationPath = try scratch.write(
      configuration ?? Self.configuration(tangle), to: "paywall.toml")
  }

  deinit {
    stop()
    fake_broker_free(broker)
  }

  static func configuration(_ tangle: Tangle, free: String = "sensor/1m", more: String = "")
    -> String
  {
    """
    ledger = "paywall.db"
    secret_file = "paywall.key"
    realm = "plug.example"
    [tangle]
    nodes = ["\(tangle.node)"]
    network = "\(tangle.network)"
    address = "\(tangle.seller)"
    poll = "100ms"
    [access]
    free = ["\(free)"]
    [metrics]
    interval = "off"
    [[account]]
    username = "agent"
    publish = ["sensor/#"]
    read = ["sensor/#"]
    [[offer]]
    name = "live"
    topics = ["sensor/live"]
    price = "1000 nanos"
    per = "1s"
    \(more)
    """
  }

  var callbackCount: Int { Int(fake_broker_callback_count(broker)) }

  /// The lines of the broker's log that hold a text.
  static func log(containing text: String) -> [String] {
    guard let log = fake_broker_log() else { return [] }
    defer { free(log) }
    return String(cString: log).split(separator: "\n").map { String($0) }.filter {
      $0.contains(text)
    }
  }

  /// The warnings among them.
  static func warnings(containing text: String) -> [String] {
    log(containing: text).filter { $0.hasPrefix("\(MOSQ_LOG_WARNING) ") }
  }

  func start(option: String = "config_file", value: String? = nil) -> CInt {
    let key = strdup(option)
    let value = strdup(value ?? configurationPath)
    defer {
      free(key)
      free(value)
    }
    var options = mosquitto_opt(key: key, value: value)
    var started: UnsafeMutableRawPointer?
    defer { if let started { userdata = started } }
    return mosquitto_plugin_init(fake_broker_identifier(broker), &started, &options, 1)
  }

  @discardableResult
  func stop() -> CInt {
    defer { userdata = nil }
    return mosquitto_plugin_cleanup(userdata, nil, 0)
  }

  func reload() -> CInt {
    var event = mosquitto_evt_reload()
    return fake_broker_call(broker, CInt(MOSQ_EVT_RELOAD.rawValue), &event)
  }

  @discardableResult
  func tick() -> Int {
    var event = mosquitto_evt_tick()
    _ = fake_broker_call(broker, CInt(MOSQ_EVT_TICK.rawValue), &event)
    return event.next_ns
  }

  func check(_ access: CInt, _ topic: String?, username: String?) -> CInt {
    withClient(username: username) { client in
      let text = topic.map { strdup($0) }
      defer { free(text ?? nil) }
      var event = mosquitto_evt_acl_check()
      event.client = client
      event.topic = UnsafePointer(text ?? nil)
      event.access = access
      return fake_broker_call(broker, CInt(MOSQ_EVT_ACL_CHECK.rawValue), &event)
    }
  }

  func read(_ topic: String, username: String?) -> CInt {
    check(MOSQ_ACL_READ, topic, username: username)
  }

  /// Logs in.
  ///
  /// - Returns: The broker's code, and the name that the client has inside the broker then.
  func login(
    username: String?, password: String?, address: String? = "127.0.0.1", version: CInt = 4
  ) -> (code: CInt, name: String?) {
    withClient(username: username, address: address, version: version) { client in
      let name = username.map { strdup($0) }
      let secret = password.map { strdup($0) }
      defer {
        free(name ?? nil)
        free(secret ?? nil)
      }
      var event = mosquitto_evt_basic_auth()
      event.client = client
      event.username = name ?? nil
      event.password = secret ?? nil
      let code = fake_broker_call(broker, CInt(MOSQ_EVT_BASIC_AUTH.rawValue), &event)
      return (code, client.pointee.username.map { String(cString: $0) })
    }
  }

  /// A connection, as the broker keeps it until it ends.
  final class Connection {
    fileprivate let record = UnsafeMutablePointer<mosquitto>.allocate(capacity: 1)

    let id: String
    /// The name that it came with; another one that the plugin gives it is the broker's.
    private let username: UnsafePointer<CChar>?

    init(
      id: String, username: String?, version: CInt = 4, isClean: Bool = true,
      hasCertificate: Bool = false
    ) {
      self.id = id
      self.username = username.flatMap { UnsafePointer(strdup($0)) }
      record.initialize(
        to: mosquitto(
          id: strdup(id), username: self.username,
          address: strdup("127.0.0.1"), protocol_version: version, clean_session: isClean,
          has_certificate: hasCertificate, own_username: nil))
    }

    var isClean: Bool {
      get { record.pointee.clean_session }
      set { record.pointee.clean_session = newValue }
    }

    /// Closes what the certificate came over.
    func loseCertificate() { record.pointee.has_certificate = false }

    deinit {
      free(UnsafeMutablePointer(mutating: record.pointee.id))
      free(UnsafeMutablePointer(mutating: username))
      free(record.pointee.own_username)
      free(UnsafeMutablePointer(mutating: record.pointee.address))
      record.deallocate()
    }
  }

  /// Lets a connection log in; without a password, as if Mosquitto's own means were to judge it.
  func connect(_ connection: Connection, password: String? = nil) -> CInt {
    let secret = password.map { strdup($0) }
    defer { free(secret ?? nil) }
    var event = mosquitto_evt_basic_auth()
    event.client = connection.record
    event.password = secret ?? nil
    event.username = UnsafeMutablePointer(mutating: connection.record.pointee.username)
    return fake_broker_call(broker, CInt(MOSQ_EVT_BASIC_AUTH.rawValue), &event)
  }

  /// Lets the plugin find sessions by their client id, as Mosquitto 2.1 does.
  func find(_ sessions: [Connection]) {
    plugin?.findSession = { id in
      let id = String(cString: id)
      return sessions.first { $0.id == id }.map { OpaquePointer($0.record) }
    }
  }

  func disconnect(
    _ connection: Connection, event number: CInt = CInt(MOSQ_EVT_DISCONNECT.rawValue)
  ) {
    var event = mosquitto_evt_disconnect()
    event.client = connection.record
    _ = fake_broker_call(broker, number, &event)
  }

  /// What runs.
  var plugin: Plugin? {
    userdata.map { Unmanaged<Plugin>.fromOpaque($0).takeUnretainedValue() }
  }

  func check(_ access: CInt, _ topic: String, by connection: Connection) -> CInt {
    topic.withCString { topic in
      var event = mosquitto_evt_acl_check()
      event.client = connection.record
      event.topic = topic
      event.access = access
      return fake_broker_call(broker, CInt(MOSQ_EVT_ACL_CHECK.rawValue), &event)
    }
  }

  private func withClient<Result>(
    username: String?, address: String? = "127.0.0.1", version: CInt = 4,
    _ body: (UnsafeMutablePointer<mosquitto>) -> Result
  ) -> Result {
    let name = username.map { strdup($0) } ?? nil
    let peer = address.map { strdup($0) } ?? nil
    var client = mosquitto(
      id: nil, username: UnsafePointer(name), address: UnsafePointer(peer),
      protocol_version: version, clean_session: true, has_certificate: false,
      own_username: nil)
    defer {
      free(name)
      free(peer)
      free(client.own_username)
    }
    return body(&client)
  }
}

/// A tangle, a seller and a buyer with money.
struct Market: Sendable {
  let tangle: DevTangle
  let sellerKey = PrivateKey()
  let buyer = PrivateKey()

  init(_ options: DevTangle.Options = fastOptions) async throws {
    tangle = try await DevTangle.start(options)
    _ = try await tangle.fund(buyer.publicKey.address)
    await tangle.makeCheckpoint()
  }

  var seller: Address { sellerKey.address }

  static var fastOptions: DevTangle.Options {
    var options = DevTangle.Options()
    options.checkpointMs = 50
    return options
  }

  var settings: PluginHost.Tangle {
    PluginHost.Tangle(node: tangle.nodeURL, network: tangle.chainIdentifier, seller: seller)
  }

  /// Pays, and waits until the payment is in a checkpoint.
  @discardableResult
  func pay(_ amount: Nanos, memo: String? = nil) throws -> Digest {
    let payer = Payer(node: Node(url: tangle.nodeURL), key: buyer)
    let order = PaymentOrder(
      to: seller, amountNanos: amount, memo: try memo.map { try PaymentMemo(json: $0) })
    return payer.confirm(try payer.execute(payer.prepare(order))).digest
  }
}
