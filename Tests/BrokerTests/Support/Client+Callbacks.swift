import CMosquitto

// Called by the thread that serves the connection.
extension Client {
  func setCallbacks() {
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
