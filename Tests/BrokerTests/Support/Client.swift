import CMosquitto
import Foundation

/// An MQTT client on libmosquitto that remembers all it receives, and when.
///
/// Unlike the project's own client it tells reason codes and keeps sessions.
final class Client: Sendable {
  enum Version { case v311, v5 }

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
  }

  private let mailbox = Mailbox()
  nonisolated(unsafe) private let client: OpaquePointer
  private let port: UInt16
  private static let libraryStatus = mosquitto_lib_init()

  init(port: UInt16, _ options: Options) throws {
    guard Self.libraryStatus == MOSQ_ERR_SUCCESS.rawValue,
      let client = mosquitto_new(
        options.clientID, options.isClean, Unmanaged.passRetained(mailbox).toOpaque())
    else { throw TestFailure("libmosquitto makes no client") }
    self.client = client
    self.port = port
    let version = options.version == .v5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311
    mosquitto_int_option(client, MOSQ_OPT_PROTOCOL_VERSION, Int32(version))
    if options.username != nil || options.password != nil {
      mosquitto_username_pw_set(client, options.username, options.password)
    }
    isKept = !options.isClean && options.version == .v5
    setCallbacks()
  }

  /// MQTT 5 keeps a session for as long as CONNECT asks.
  private let isKept: Bool

  deinit {
    mosquitto_disconnect(client)
    mosquitto_loop_stop(client, true)
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
      mosquitto_property_add_int32(&properties, Int32(MQTT_PROP_SESSION_EXPIRY_INTERVAL.rawValue), 3600)
    }
    let status = mosquitto_connect_bind_v5(
      client, "127.0.0.1", Int32(port), 60, nil, properties)
    guard status == MOSQ_ERR_SUCCESS.rawValue else {
      throw TestFailure("no connection to port \(port): \(String(cString: mosquitto_strerror(status)))")
    }
    mosquitto_loop_start(client)
    guard let reason = mailbox.wait(10, { $0.connected }) else {
      throw TestFailure("no answer to CONNECT")
    }
    if reason != 0 { disconnect() }
    return reason
  }

  /// Sends DISCONNECT, and returns when the connection is gone.
  func disconnect() {
    mosquitto_disconnect(client)
    mosquitto_loop_stop(client, true)
    mailbox.update { $0.connected = nil }
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

  /// All messages, or those of a topic, the oldest first.
  func arrivals(of topic: String? = nil) -> [Arrival] {
    mailbox.update { $0.arrivals }.filter { topic == nil || $0.topic == topic }
  }

  /// Waits for the first message of a topic that is as asked for.
  func awaitArrival(
    of topic: String, withinS timeoutS: Double = 10, where isWanted: (Arrival) -> Bool = { _ in true }
  ) -> Arrival? {
    mailbox.wait(timeoutS) { state in
      state.arrivals.first { $0.topic == topic && isWanted($0) }
    }
  }

  /// How often the connection was lost.
  var disconnections: Int { mailbox.update { $0.disconnections } }
}

extension Client {
  fileprivate func setCallbacks() {
    mosquitto_connect_v5_callback_set(
      client,
      { @Sendable _, context, code, _, _ in Mailbox.from(context)?.update { $0.connected = code } })
    mosquitto_disconnect_v5_callback_set(
      client,
      { @Sendable _, context, code, _ in
        // 0: asked for.
        Mailbox.from(context)?.update { if code != 0 { $0.disconnections += 1 } }
      })
    mosquitto_publish_v5_callback_set(
      client,
      { @Sendable _, context, id, code, _ in
        Mailbox.from(context)?.update { $0.published[id] = code }
      })
    mosquitto_subscribe_v5_callback_set(
      client,
      { @Sendable _, context, id, count, codes, _ in
        let code = count > 0 ? codes?.pointee ?? -1 : -1
        Mailbox.from(context)?.update { $0.subscribed[id] = code }
      })
    mosquitto_unsubscribe_v5_callback_set(
      client,
      { @Sendable _, context, id, _ in Mailbox.from(context)?.update { $0.unsubscribed[id] = 0 } })
    mosquitto_message_v5_callback_set(
      client,
      { @Sendable _, context, message, _ in
        guard let message = message?.pointee, let topic = message.topic else { return }
        let payload = UnsafeRawBufferPointer(
          start: message.payload, count: message.payload == nil ? 0 : Int(message.payloadlen))
        let arrival = Client.Arrival(
          topic: String(cString: topic), text: String(decoding: payload, as: UTF8.self),
          qos: message.qos, isRetained: message.retain, atMs: nowMs())
        Mailbox.from(context)?.update { $0.arrivals.append(arrival) }
      })
  }
}

/// What libmosquitto's thread brings.
private final class Mailbox: @unchecked Sendable {
  struct State {
    var connected: Int32?
    var disconnections = 0
    var published: [Int32: Int32] = [:]
    var subscribed: [Int32: Int32] = [:]
    var unsubscribed: [Int32: Int32] = [:]
    var arrivals: [Client.Arrival] = []
  }

  private let condition = NSCondition()
  private var state = State()

  static func from(_ context: UnsafeMutableRawPointer?) -> Mailbox? {
    context.map { Unmanaged<Mailbox>.fromOpaque($0).takeUnretainedValue() }
  }

  @discardableResult
  func update<Result>(_ body: (inout State) -> Result) -> Result {
    condition.lock()
    defer { condition.unlock() }
    defer { condition.broadcast() }
    return body(&state)
  }

  /// Waits until `body` has a result; nil where the time is over first.
  func wait<Result>(_ timeoutS: Double, _ body: (inout State) -> Result?) -> Result? {
    let end = Date(timeIntervalSinceNow: timeoutS)
    condition.lock()
    defer { condition.unlock() }
    while true {
      if let result = body(&state) { return result }
      guard condition.wait(until: end) else { return body(&state) }
    }
  }
}
