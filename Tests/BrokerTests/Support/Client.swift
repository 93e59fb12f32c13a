import CMosquitto
import Foundation
import Glibc

/// An MQTT client on libmosquitto that remembers all it receives, and when.
///
/// Unlike the project's own client it tells reason codes and keeps sessions.
final class Client: Sendable {
  enum Version: CaseIterable {
    case v31, v311, v5

    var protocolVersion: Int32 {
      switch self {
      case .v31: Int32(MQTT_PROTOCOL_V31)
      case .v311: Int32(MQTT_PROTOCOL_V311)
      case .v5: Int32(MQTT_PROTOCOL_V5)
      }
    }
  }

  /// MQTT 5.0, section 2.4.
  enum Reason {
    static let success: Int32 = 0
    static let notAuthorized: Int32 = 0x87
    /// MQTT 3.1.1, section 3.2.2.3.
    static let v311NotAuthorized: Int32 = 5
    /// MQTT 3.1.1, section 3.9.3.
    static let v311SubscribeFailed: Int32 = 0x80
  }

  /// A client that wants to connect.
  struct Options {
    var username: String?
    var password: String?
    var version = Version.v311
    var clientID = "test-\(UInt64.random(in: .min ... .max))"
    /// Whether the broker forgets the client's subscriptions when the connection ends.
    var isClean = true
    var will: Will?
    /// Who it is by TLS; nil: it speaks without.
    var identity: Certificates.Identity?
  }

  /// What the broker publishes when the connection breaks.
  struct Will {
    var topic: String
    var text: String
    var qos: Int32 = 0
    var isRetained = false
  }

  private let mailbox = Mailbox()
  nonisolated(unsafe) let client: OpaquePointer
  private let port: UInt16
  private static let libraryStatus = mosquitto_lib_init()

  init(port: UInt16, _ options: Options) throws {
    guard Self.libraryStatus == MOSQ_ERR_SUCCESS.rawValue,
      let client = mosquitto_new(
        options.clientID, options.isClean, Unmanaged.passRetained(mailbox).toOpaque())
    else { throw TestFailure("libmosquitto makes no client") }
    self.client = client
    self.port = port
    mosquitto_int_option(
      client, MOSQ_OPT_PROTOCOL_VERSION, options.version.protocolVersion)
    if options.username != nil || options.password != nil {
      mosquitto_username_pw_set(client, options.username, options.password)
    }
    if let will = options.will {
      let payload = Array(will.text.utf8)
      mosquitto_will_set(
        client, will.topic, Int32(payload.count), payload, will.qos, will.isRetained)
    }
    if let identity = options.identity {
      let status = mosquitto_tls_set(
        client, identity.authorityPath, nil, identity.certificatePath, identity.keyPath, nil)
      guard status == MOSQ_ERR_SUCCESS.rawValue else {
        throw TestFailure("no TLS: \(String(cString: mosquitto_strerror(status)))")
      }
    }
    // Wakes the loop when another thread has something to send.
    mosquitto_threaded_set(client, true)
    isKept = !options.isClean && options.version == .v5
    setCallbacks()
  }

  /// MQTT 5 keeps a session for as long as CONNECT asks.
  private let isKept: Bool

  deinit {
    disconnect()
    mosquitto_destroy(client)
    Unmanaged.passUnretained(mailbox).release()
  }

  /// Connects.
  ///
  /// - Returns: The reason code of the broker's answer.
  func connect() throws -> Int32 {
    var properties: OpaquePointer?
    defer { mosquitto_property_free_all(&properties) }
    if isKept {
      let expiry = Int32(MQTT_PROP_SESSION_EXPIRY_INTERVAL.rawValue)
      mosquitto_property_add_int32(&properties, expiry, 3600)
    }
    let status = mosquitto_connect_bind_v5(
      client, "127.0.0.1", Int32(port), 60, nil, properties)
    guard status == MOSQ_ERR_SUCCESS.rawValue else {
      let reason = String(cString: mosquitto_strerror(status))
      throw TestFailure("no connection to port \(port): \(reason)")
    }
    serve()
    guard let reason = mailbox.wait(10, { $0.connected }) else {
      throw TestFailure("no answer to CONNECT")
    }
    if reason != 0 { disconnect() }
    return reason
  }

  /// Sends DISCONNECT, and returns when the connection is gone.
  func disconnect() {
    mosquitto_disconnect(client)
    _ = mailbox.wait(10) { $0.isServing ? nil : true }
    mailbox.update { $0.connected = nil }
  }

  /// Serves the connection on a thread of its own, until it ends; it is not made again.
  ///
  /// libmosquitto's own thread can be cancelled in the middle of closing its socket, which is then
  /// closed again when it is somebody else's.
  private func serve() {
    mailbox.update { $0.isServing = true }
    nonisolated(unsafe) let client = client
    let mailbox = mailbox
    Thread {
      while mosquitto_loop(client, 100, 1) == MOSQ_ERR_SUCCESS.rawValue {}
      mailbox.update { $0.isServing = false }
    }.start()
  }

  /// Ends the connection without DISCONNECT, as when the network fails.
  func breakConnection() {
    shutdown(mosquitto_socket(client), Int32(SHUT_RDWR))
    _ = mailbox.wait(10) { $0.isServing ? nil : true }
  }

  /// Subscribes.
  ///
  /// - Returns: The reason code, which is the QoS where it succeeds.
  @discardableResult
  func subscribe(to filter: String, qos: Int32 = 0) throws -> Int32 {
    var id: Int32 = 0
    let status = mosquitto_subscribe(client, &id, filter, qos)
    return try answer("SUBSCRIBE \(filter)", status) { $0.subscribed.removeValue(forKey: id) }
  }

  /// Ends a subscription, and waits for the answer.
  func unsubscribe(from filter: String) throws {
    var id: Int32 = 0
    let status = mosquitto_unsubscribe(client, &id, filter)
    _ = try answer("UNSUBSCRIBE \(filter)", status) { $0.unsubscribed.removeValue(forKey: id) }
  }

  /// Publishes a message, and waits until it is sent (QoS 0) or acknowledged.
  ///
  /// - Returns: The reason code of MQTT 5, else 0.
  @discardableResult
  func publish(
    _ topic: String, _ text: String, qos: Int32 = 0, isRetained: Bool = false
  ) throws -> Int32 {
    var id: Int32 = 0
    let payload = Array(text.utf8)
    let status = mosquitto_publish(
      client, &id, topic, Int32(payload.count), payload, qos, isRetained)
    return try answer("PUBLISH \(topic)", status) { $0.published.removeValue(forKey: id) }
  }

  private func answer(
    _ packet: String, _ status: Int32, _ body: (inout Mailbox.State) -> Int32?
  ) throws -> Int32 {
    guard status == MOSQ_ERR_SUCCESS.rawValue else {
      throw TestFailure("\(packet): \(String(cString: mosquitto_strerror(status)))")
    }
    guard let reason = mailbox.wait(10, body) else { throw TestFailure("no answer to \(packet)") }
    return reason
  }

  // MARK: - What has arrived

  /// A message.
  struct Arrival: Hashable {
    var topic: String
    var text: String
    var qos: Int32
    var isRetained: Bool
    /// By this machine's clock.
    var atMs: Int64
  }

  /// All messages, the oldest first.
  var arrivals: [Arrival] { mailbox.update { $0.arrivals } }

  /// The messages of a topic, the oldest first.
  func arrivals(of topic: String) -> [Arrival] { arrivals.filter { $0.topic == topic } }

  /// Waits for the first message of a topic that is as asked for.
  func awaitArrival(
    of topic: String, withinS timeoutS: Double = 10,
    where isWanted: (Arrival) -> Bool = { _ in true }
  ) -> Arrival? {
    mailbox.wait(timeoutS) { state in
      state.arrivals.first { $0.topic == topic && isWanted($0) }
    }
  }

  /// How often the connection was lost.
  var disconnections: Int { mailbox.update { $0.disconnections } }
}
