internal import CMosquitto

// Called by libmosquitto on the session's thread. The closures capture nothing; the session comes
// back as the context pointer, and outlives its thread.
extension Session {
  func setCallbacks() {
    mosquitto_user_data_set(client, Unmanaged.passUnretained(self).toOpaque())
    mosquitto_connect_callback_set(
      client, { @Sendable _, context, code in Session.from(context)?.connected(code) })
    mosquitto_disconnect_callback_set(
      client, { @Sendable _, context, _ in Session.from(context)?.disconnected() })
    mosquitto_publish_callback_set(
      client, { @Sendable _, context, id in Session.from(context)?.published(id) })
    mosquitto_subscribe_callback_set(
      client,
      { @Sendable _, context, id, count, codes in
        let codes = UnsafeBufferPointer(start: codes, count: codes == nil ? 0 : Int(count))
        Session.from(context)?.subscribed(id, Array(codes))
      })
    // Called for the messages of earlier versions too, which have no properties.
    mosquitto_message_v5_callback_set(
      client,
      { @Sendable _, context, message, properties in
        Session.from(context)?.received(message, MQTTMessage.Properties(properties))
      })
  }

  private static func from(_ context: UnsafeMutableRawPointer?) -> Session? {
    context.map { Unmanaged<Session>.fromOpaque($0).takeUnretainedValue() }
  }

  private func connected(_ code: Int32) {
    guard code == 0 else {
      let refusal = MQTTError(
        refusal: code, isVersion5: options.protocolVersion == .v5, at: broker)
      return state.withLock { $0.lastFailure = refusal }
    }
    let subscriptions = state.withLock { state in
      state.isConnected = true
      state.connections += 1
      state.lastFailure = nil
      return state.subscriptions
    }
    // The broker has forgotten them with the old connection.
    for (filter, qos) in subscriptions {
      mosquitto_subscribe(client, nil, filter, qos.rawValue)
    }
  }

  private func disconnected() {
    state.withLock { $0.isConnected = false }
  }

  private func published(_ id: Int32) {
    state.withLock { if $0.awaiting > 0 { $0.published.insert(id) } }
  }

  private func subscribed(_ id: Int32, _ codes: [Int32]) {
    state.withLock { if $0.awaiting > 0 { $0.subscribed[id] = codes } }
  }

  private func received(
    _ message: UnsafePointer<mosquitto_message>?, _ properties: MQTTMessage.Properties
  ) {
    guard let message = message?.pointee, let topic = message.topic else { return }
    let payload = UnsafeRawBufferPointer(
      start: message.payload, count: message.payload == nil ? 0 : max(0, Int(message.payloadlen)))
    var received = MQTTMessage(
      topic: String(cString: topic), payload: Array(payload),
      qos: MQTTMessage.QoS(rawValue: message.qos) ?? .atMostOnce, isRetained: message.retain)
    received.properties = properties
    state.withLock { state in
      if state.waiting.count >= max(options.maximumWaiting, 1) {
        state.waiting.removeFirst()
        state.dropped += 1
      }
      state.waiting.append(received)
    }
  }
}
