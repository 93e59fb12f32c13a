internal import CMosquitto
internal import Foundation
internal import Glibc

/// A client of libmosquitto and the thread that serves it.
///
/// libmosquitto's functions may be called from any thread (libmosquitto(3), "Thread safety"); what
/// its callbacks bring is kept in a monitor. The thread is our own and not that of
/// `mosquitto_loop_start`, for that one ends for good when a name cannot be resolved or a TLS
/// handshake fails, and a sensor has to come back from both.
final class Session: @unchecked Sendable {
  struct State {
    var isStarted = false
    var isStopping = false
    var isEnded = false
    var isConnected = false
    /// How often the broker accepted a connection.
    var connections = 0
    var lastFailure: MQTTError?
    var subscriptions: [String: MQTTMessage.QoS] = [:]
    var waiting: [MQTTMessage] = []
    var dropped = 0
    /// How many threads wait for acknowledgements; without any, none are kept.
    var awaiting = 0
    var published: Set<Int32> = []
    var subscribed: [Int32: [Int32]] = [:]
  }

  /// How long a broker may take from TCP connection to CONNACK.
  private static let connackTimeoutMs = 10_000
  private static let libraryStatus = mosquitto_lib_init()

  let state = Monitor(State())
  let options: MQTTOptions
  let broker: String
  let client: OpaquePointer

  init(_ options: MQTTOptions) throws(MQTTError) {
    self.options = options
    broker = "\(options.host):\(options.port)"
    guard Self.libraryStatus == MOSQ_ERR_SUCCESS.rawValue,
      let client = mosquitto_new(options.clientID, true, nil)
    else {
      throw MQTTError(
        .invalid, "\(broker): the client identifier \"\(options.clientID)\" is not valid in MQTT.")
    }
    self.client = client
    try configure()
    setCallbacks()
  }

  deinit { mosquitto_destroy(client) }

  /// Turns what a function of libmosquitto returned into an error.
  func check(_ status: Int32) throws(MQTTError) {
    let number = errno
    guard status == MOSQ_ERR_SUCCESS.rawValue else {
      throw MQTTError(status: status, errno: number, at: broker)
    }
  }

  private func configure() throws(MQTTError) {
    try check(mosquitto_threaded_set(client, true))
    let version = options.protocolVersion == .v5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311
    try check(mosquitto_int_option(client, MOSQ_OPT_PROTOCOL_VERSION, Int32(version)))
    if options.username != nil || options.password != nil {
      try check(mosquitto_username_pw_set(client, options.username, options.password))
    }
    if let will = options.will {
      try check(
        mosquitto_will_set(
          client, will.topic, Int32(clamping: will.payload.count), will.payload,
          will.qos.rawValue, will.isRetained))
    }
    if let tls = options.tls { try configure(tls) }
    if options.transport == .websockets,
      mosquitto_use_websockets(client) != MOSQ_ERR_SUCCESS.rawValue
    {
      throw MQTTError(
        .invalid,
        "\(broker): this build's libmosquitto has no websockets; use the broker's MQTT port.")
    }
  }

  private func configure(_ tls: MQTTOptions.TLS) throws(MQTTError) {
    guard let file = tls.caFile else {
      return try check(mosquitto_int_option(client, MOSQ_OPT_TLS_USE_OS_CERTS, 1))
    }
    guard access(file, R_OK) == 0,
      mosquitto_tls_set(client, file, nil, nil, nil, nil) == MOSQ_ERR_SUCCESS.rawValue
    else { throw MQTTError(.tls, "The CA file \(file) cannot be read; is it there, and PEM?") }
  }
}

// The thread.
extension Session {
  /// Starts the thread, once.
  ///
  /// It holds the session until it ends.
  func start() {
    let isFirst = state.withLock { state in
      defer { state.isStarted = true }
      return !state.isStarted && !state.isStopping
    }
    guard isFirst else { return }
    let thread = Thread {
      // Signals are for the program's other threads; a broken connection is a status, not SIGPIPE.
      var all = sigset_t()
      sigfillset(&all)
      pthread_sigmask(SIG_BLOCK, &all, nil)
      self.run()
      self.state.withLock {
        $0.isConnected = false
        $0.isEnded = true
      }
    }
    thread.name = "mqtt"
    thread.start()
  }

  /// Ends the thread: at once when it serves a connection, else when the system has given up.
  func stop() {
    state.withLock { $0.isStopping = true }
    mosquitto_disconnect(client)
  }

  private var isStopping: Bool { state.withLock { $0.isStopping } }

  private func run() {
    var failures = 0
    while !isStopping {
      let connections = state.withLock { $0.connections }
      serve()
      let wasConnected = state.withLock { state in
        state.isConnected = false
        return state.connections > connections
      }
      failures = wasConnected ? 1 : failures + 1
      let delayMs = Self.delayMs(afterFailures: failures)
      _ = state.wait(timeoutMs: delayMs) { $0.isStopping ? true : nil }
    }
  }

  /// 1, 2, 4, 8, 16, 30, 30, … seconds, a fifth more or less, so that many clients do not come at
  /// once when a broker is back.
  private static func delayMs(afterFailures failures: Int) -> Int {
    let seconds = min(30, 1 << min(max(failures - 1, 0), 5))
    return Int.random(in: seconds * 800...seconds * 1200)
  }

  /// Connects, and serves the connection until it breaks.
  private func serve() {
    let status = mosquitto_connect(
      client, options.host, Int32(options.port), Int32(min(max(options.keepAliveS, 5), 65_535)))
    var failure = failure(of: status) ?? unservable()
    let start = DispatchTime.now()
    var stopping: DispatchTime?
    while failure == nil {
      failure = self.failure(of: mosquitto_loop(client, 500, 1))
      let (isConnected, isStopping) = state.withLock { ($0.isConnected, $0.isStopping) }
      if isStopping {
        // What is queued still goes out, DISCONNECT last; the loop fails when that is done. Asked
        // for again here, because stop() may have come before there was a connection.
        if stopping == nil { mosquitto_disconnect(client) }
        let since = stopping ?? .now()
        stopping = since
        if .now() > since + .milliseconds(1000) { return }
      } else if !isConnected, .now() > start + .milliseconds(Self.connackTimeoutMs) {
        failure = failure ?? MQTTError(.timeout, "\(broker): the broker does not answer CONNECT.")
      }
    }
    state.withLock { state in
      // A refusal ends the connection too, and says more.
      guard !state.isStopping, state.lastFailure?.kind != .refused || state.isConnected else {
        return
      }
      state.lastFailure = failure
    }
  }

  /// libmosquitto waits with select(2), which knows the first 1024 descriptors only.
  private func unservable() -> MQTTError? {
    guard mosquitto_socket(client) >= Int32(FD_SETSIZE) else { return nil }
    return MQTTError(
      .invalid,
      "\(broker): this process has \(FD_SETSIZE) files and sockets open already, more than "
        + "libmosquitto can work with.")
  }

  private func failure(of status: Int32) -> MQTTError? {
    let number = errno
    return status == MOSQ_ERR_SUCCESS.rawValue
      ? nil : MQTTError(status: status, errno: number, at: broker)
  }
}
