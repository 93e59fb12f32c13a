internal import CMosquitto

/// An MQTT client on libmosquitto: connects, stays connected, publishes and receives.
///
/// All of it may be called from any thread. When the connection breaks, it is made again after 1,
/// 2, 4, … at most 30 seconds, and its subscriptions with it. The connection ends with
/// ``disconnect(timeoutMs:)`` or with the last reference to the client.
public final class MQTTClient: Sendable {
  private let session: Session

  /// A client that is not connected yet.
  /// - Throws: when an option cannot be used, such as a CA file that cannot be read.
  public init(_ options: MQTTOptions) throws(MQTTError) {
    session = try Session(options)
  }

  deinit { session.stop() }

  /// Connects, and goes on trying for as long as it takes.
  ///
  /// Returns at once.
  public func start() { session.start() }

  /// Connects and waits until the broker has accepted the connection.
  /// - Throws: what went wrong with the first attempt; there is no second one then.
  public func connect(timeoutMs: Int = 10_000) throws(MQTTError) {
    session.start()
    let outcome = session.state.wait(timeoutMs: timeoutMs) { state -> Result<Void, MQTTError>? in
      if state.isConnected { return .success(()) }
      return state.lastFailure.map { .failure($0) }
    }
    if case .success = outcome { return }
    session.stop()
    guard case .failure(let error) = outcome else {
      throw MQTTError(
        .timeout, "\(session.broker): no connection within \(timeoutMs) ms; is it the right port?")
    }
    throw error
  }

  /// The broker as `host:port`.
  public var broker: String { session.broker }

  /// Whether there is a connection now.
  public var isConnected: Bool { session.state.withLock { $0.isConnected } }

  /// How often the broker has accepted a connection: it goes up with each reconnection.
  public var connections: Int { session.state.withLock { $0.connections } }

  /// Why there is no connection; nil while there is one, or nothing was tried.
  public var lastFailure: MQTTError? { session.state.withLock { $0.lastFailure } }

  /// How many messages were dropped because nobody took them.
  public var droppedMessages: Int { session.state.withLock { $0.dropped } }

  /// Publishes a message.
  ///
  /// With QoS 0 it is lost when there is no connection; otherwise it is sent later.
  /// - Parameters:
  ///   - message: what goes where, and how.
  ///   - timeoutMs: how long to wait until it is sent (QoS 0) or acknowledged; nil: not.
  /// - Throws: when there is no connection, the topic or payload is not valid, or the time is over.
  public func publish(_ message: MQTTMessage, waitMs timeoutMs: Int? = nil) throws(MQTTError) {
    if message.qos == .atMostOnce, !isConnected {
      throw MQTTError(.noConnection, "\(session.broker): there is no connection.")
    }
    session.state.withLock { $0.awaiting += 1 }
    defer { forgetAcknowledgements() }
    var id: Int32 = 0
    try session.publish(message, id: &id)
    guard let timeoutMs else { return }
    let isSent = session.state.wait(timeoutMs: timeoutMs) { $0.published.remove(id) }
    guard isSent != nil else {
      throw MQTTError(
        .timeout, "\(session.broker): a message was not acknowledged within \(timeoutMs) ms.")
    }
  }

  /// Subscribes, and waits until the broker has answered.
  ///
  /// Later reconnections subscribe again, unless `lasts` is false.
  /// - Throws: when there is no connection, the filter is not valid or denied, or the time is over.
  public func subscribe(
    to filter: String, qos: MQTTMessage.QoS = .atMostOnce, lasts: Bool = true,
    timeoutMs: Int = 10_000
  ) throws(MQTTError) {
    session.state.withLock { $0.awaiting += 1 }
    defer { forgetAcknowledgements() }
    var id: Int32 = 0
    try session.check(mosquitto_subscribe(session.client, &id, filter, qos.rawValue))
    let codes = session.state.wait(timeoutMs: timeoutMs) { $0.subscribed.removeValue(forKey: id) }
    guard let codes else {
      throw MQTTError(
        .timeout, "\(session.broker): no answer to SUBSCRIBE \(filter) within \(timeoutMs) ms.")
    }
    guard codes.allSatisfy({ $0 < 0x80 }) else {
      throw MQTTError(.denied, "\(session.broker): the broker denies the subscription \(filter).")
    }
    if lasts { session.state.withLock { $0.subscriptions[filter] = qos } }
  }

  /// Ends a subscription; messages on the way may still arrive.
  /// - Throws: when there is no connection or the filter is not valid.
  public func unsubscribe(from filter: String) throws(MQTTError) {
    session.state.withLock { $0.subscriptions[filter] = nil }
    try session.check(mosquitto_unsubscribe(session.client, nil, filter))
  }

  /// Takes the oldest message that has arrived, or waits for one.
  /// - Returns: nil when none came in time.
  public func nextMessage(timeoutMs: Int) -> MQTTMessage? {
    session.state.wait(timeoutMs: timeoutMs) { state in
      state.waiting.isEmpty ? nil : state.waiting.removeFirst()
    }
  }

  /// Waits until the broker has accepted a connection.
  /// - Returns: whether there is one.
  public func waitUntilConnected(timeoutMs: Int) -> Bool {
    session.state.wait(timeoutMs: timeoutMs) { $0.isConnected ? true : nil } ?? false
  }

  /// Sends what is queued and a DISCONNECT (the broker keeps the will to itself), and ends.
  ///
  /// The client cannot be started again. Returns when its thread has ended, or the time is over:
  /// an attempt to connect to a host that does not answer ends only when the system gives up.
  public func disconnect(timeoutMs: Int = 2000) {
    session.stop()
    _ = session.state.wait(timeoutMs: timeoutMs) { state in
      state.isEnded || !state.isStarted ? true : nil
    }
  }

  private func forgetAcknowledgements() {
    session.state.withLock { state in
      state.awaiting -= 1
      guard state.awaiting == 0 else { return }
      state.published.removeAll()
      state.subscribed.removeAll()
    }
  }
}
