import Testing
import TestSupport

/// What the broker keeps for clients: those that are offline, and those that are slow.
@Suite(.onOwnThread)
struct QueueTests {
  @Test(arguments: Client.Version.allCases)
  func `a message that came before the payment is not kept for it`(
    version: Client.Version
  ) async throws {
    try await Shop.open { shop in
      let agent = try shop.client("agent")
      let options = durable(version)
      let reader = try shop.client(options)
      for topic in ["sensor/live", "sensor/1m"] { try reader.subscribe(to: topic, qos: 2) }
      reader.disconnect()
      for qos: Int32 in 0...2 { try agent.publish("sensor/live", "unpaid", qos: qos) }
      try agent.publish("sensor/1m", "free", qos: 1)

      try shop.grant("johndoe")
      let other = try shop.client("johndoe")
      for topic in ["sensor/live", "sensor/1m"] { try other.subscribe(to: topic, qos: 1) }
      #expect(try eventually { try agent.reaches(other, qos: 1) })
      try agent.publish("sensor/live", "paid", qos: 1)

      let back = try shop.client(options)
      #expect(back.awaitArrival(of: "sensor/live") { $0.text == "paid" } != nil)
      #expect(back.arrivals(of: "sensor/1m").first?.text == "free")
      #expect(!back.arrivals.contains { $0.text == "unpaid" })
    }
  }

  /// Sessions come back from the disk without a connection, so without address and protocol; with
  /// Mosquitto 2.0.11, which writes them wrong, an anonymous one has the name of the one before it
  /// until its client connects.
  @Test(arguments: Client.Version.allCases)
  func `a session that was restored from disk is judged by its account`(
    version: Client.Version
  ) async throws {
    try await Shop.open(Mosquitto.Settings(keepsSessions: true)) { shop in
      let options = durable(version)
      var strangers = Client.Options(version: version, isClean: false)
      strangers.clientID = "anonymous"
      for options in [options, strangers] {
        let client = try shop.client(options)
        for topic in ["sensor/live", "sensor/1m"] { try client.subscribe(to: topic, qos: 1) }
        client.disconnect()
      }
      try shop.grant("johndoe")
      try publish(shop, "before the restart")
      try shop.broker.stop()
      try shop.broker.start()
      shop.broker.reload()
      #expect(shop.broker.logs("was read again"))
      try publish(shop, "after it")

      let back = try shop.client(options)
      #expect(back.awaitArrival(of: "sensor/1m") { $0.text == "after it" } != nil)
      let texts = back.arrivals(of: "sensor/live").map(\.text)
      #expect(texts.contains("before the restart") && texts.contains("after it"), "\(texts)")
      let stranger = try shop.client(strangers)
      #expect(stranger.awaitArrival(of: "sensor/1m") { $0.text == "after it" } != nil)
      #expect(stranger.arrivals(of: "sensor/live").isEmpty)
    }
  }

  @Test(arguments: Client.Version.allCases)
  func `what was queued is not delivered where access ended while the broker was down`(
    version: Client.Version
  ) async throws {
    try await Shop.open(Mosquitto.Settings(keepsSessions: true)) { shop in
      let options = durable(version)
      let reader = try shop.client(options)
      for topic in ["sensor/live", "sensor/1m"] { try reader.subscribe(to: topic, qos: 1) }
      reader.disconnect()
      try shop.grant("johndoe")
      try publish(shop, "queued")
      try shop.broker.stop()
      try shop.revoke("johndoe")
      try shop.broker.start()
      let back = try shop.client(options)
      #expect(back.awaitArrival(of: "sensor/1m") { $0.text == "queued" } != nil)
      #expect(back.arrivals(of: "sensor/live").isEmpty)
      #expect(try !shop.client("agent").reaches(back, qos: 1))
    }
  }

  /// Mosquitto does not ask again about what waits for a client that is connected.
  @Test func `a slow client gets what was queued while it could read, and nothing more`()
    async throws
  {
    try await Shop.open { shop in
      let agent = try shop.client("agent")
      let watcher = try shop.client("johndoe")
      for topic in ["sensor/live", "sensor/1m"] { try watcher.subscribe(to: topic) }
      try shop.grant("johndoe")
      #expect(try eventually { try agent.reaches(watcher) })

      // It acknowledges nothing, so that all but the first 20 wait.
      let slow = try RawConnection(port: shop.broker.port)
      let (name, password) = ("johndoe", Mosquitto.password(of: "johndoe"))
      slow.send(
        Packet.connect(
          clientID: Array("slow".utf8), username: Array(name.utf8), password: Array(password.utf8)
        ).bytes)
      #expect(try slow.receivePacket()?.kind == .connack)
      slow.send(Packet.subscribe(Array("sensor/live".utf8), qos: 1).bytes)
      #expect(try slow.receivePacket()?.kind == .suback)
      for number in 1...60 { try agent.publish("sensor/live", "\(number)", qos: 1) }
      try shop.revoke("johndoe")
      #expect(try eventually { try !agent.reaches(watcher) })
      for number in 61...70 { try agent.publish("sensor/live", "\(number)", qos: 1) }

      var texts: [String] = []
      slow.send(Packet.ping.bytes)
      var pings = 1
      while let packet = try slow.receivePacket() {
        if packet.kind == .publish {
          let (id, text) = try #require(content(packet))
          texts.append(text)
          slow.send(Packet.acknowledge(id).bytes)
          // Its answer comes after what the acknowledgement lets go.
          slow.send(Packet.ping.bytes)
          pings += 1
        } else if packet.kind == .pingresp {
          pings -= 1
          if pings == 0 { break }
        }
      }
      let numbers = texts.compactMap { Int($0) }
      #expect(numbers == Array(1...60), "\(numbers)")
    }
  }

  private func content(_ packet: Packet) -> (id: [UInt8], text: String)? {
    let topicEnd = 2 + "sensor/live".utf8.count
    guard packet.body.count >= topicEnd + 2 else { return nil }
    let text = String(decoding: packet.body[(topicEnd + 2)...], as: UTF8.self)
    return (Array(packet.body[topicEnd..<topicEnd + 2]), text)
  }

  private func durable(_ version: Client.Version) -> Client.Options {
    Client.Options(
      username: "johndoe", password: Mosquitto.password(of: "johndoe"), version: version,
      clientID: "durable", isClean: false)
  }

  /// Publishes to both topics once a client of johndoe's can read.
  private func publish(_ shop: Shop, _ text: String) throws {
    let agent = try shop.client("agent")
    let probe = try shop.client("johndoe")
    for topic in ["sensor/live", "sensor/1m"] { try probe.subscribe(to: topic, qos: 1) }
    #expect(try eventually { try agent.reaches(probe, qos: 1) })
    for topic in ["sensor/live", "sensor/1m"] { try agent.publish(topic, text, qos: 1) }
  }
}
