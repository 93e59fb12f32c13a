import Testing
import TestSupport

/// Clients that have no name, no id or no manners.
@Suite(.onOwnThread)
struct OddConnectionTests {
  @Test(arguments: [4, 5] as [UInt8])
  func `a client without name and id is served, and reads nothing that is sold`(
    level: UInt8
  ) async throws {
    try await Shop.open { shop in
      let nobody = try RawConnection(port: shop.broker.port)
      nobody.send(Packet.connect(clientID: [], level: level).bytes)
      let answer = try #require(try nobody.receivePacket())
      #expect(answer.kind == .connack && answer.body[1] == 0)
      let properties: [UInt8] = level == 5 ? [0] : []
      for filter in ["sensor/#", "#", "$SYS/#"] {
        var packet = Packet.subscribe(Array(filter.utf8))
        packet.body.insert(contentsOf: properties, at: 2)
        nobody.send(packet.bytes)
        #expect(try next(nobody, .suback)?.body.last == 0)
      }
      var forged = Packet.publish(Array("sensor/live".utf8), properties)
      forged.body += Array("forged".utf8)
      nobody.send(forged.bytes)
      let agent = try shop.client("agent")
      try agent.publish("sensor/live", "sold")
      try agent.publish("sensor/1m", "free")
      // What the broker tells anyone about itself comes too, but nothing that is sold.
      var messages: [String] = []
      while messages.last?.contains("sensor/1m") != true {
        let message = try #require(try next(nobody, .publish), "\(messages)")
        messages.append(String(decoding: message.body, as: UTF8.self))
      }
      #expect(!messages.contains { $0.hasSuffix("sold") || $0.hasSuffix("forged") })
      nobody.send(Packet.disconnect.bytes)
      #expect(try nobody.isClosedByPeer())
      try check(shop)
    }
  }

  @Test func `a password without a name is nobody's`() async throws {
    try await Shop.open { shop in
      let connection = try RawConnection(port: shop.broker.port)
      // MQTT 5 alone allows it.
      connection.send(
        Packet.connect(clientID: Array("x".utf8), password: Array("secret".utf8), level: 5).bytes)
      #expect(try connection.receivePacket()?.kind == .connack)
      connection.send(Packet.disconnect.bytes)
      #expect(try connection.isClosedByPeer())
      try check(shop)
    }
  }

  @Test func `who disconnects before CONNECT, or sends rubbish for it, harms nobody`()
    async throws
  {
    try await Shop.open { shop in
      let name = Array("johndoe".utf8)
      let good = Packet.connect(clientID: name, username: name, password: name)
      let unfinished = Array(good.bytes.dropLast(3))
      let rubbish: [[UInt8]] = [
        [], Packet.disconnect.bytes, Packet.subscribe(Array("sensor/live".utf8)).bytes,
        Packet.publish(Array("sensor/live".utf8)).bytes, Packet.ping.bytes, unfinished,
        Packet(first: 0x10, body: []).bytes, Packet(first: 0x10, body: [0, 4]).bytes,
        Packet(first: 0x10, body: Packet.field(Array("MQTT".utf8)) + [4, 2, 0, 0]).bytes,
        Packet(first: 0x10, body: Packet.field(Array("MQTT".utf8)) + [4, 0xFF, 0, 0]).bytes,
        Packet.connect(clientID: [], level: 9).bytes, Packet.connect(clientID: [0, 0xFF]).bytes,
        Packet.connect(clientID: name, username: [0xC3, 0x28], password: name).bytes,
        Packet.connect(clientID: name, username: [0], password: name).bytes,
        Packet.connect(clientID: name, username: [], password: []).bytes,
        Packet.connect(clientID: name, password: name).bytes,
        [0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], Array(repeating: 0xFF, count: 1000),
        Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8),
      ]
      for bytes in rubbish {
        let connection = try RawConnection(port: shop.broker.port)
        connection.send(bytes)
      }
      // The same, but the broker has time to answer before the connection ends.
      for bytes in rubbish {
        let connection = try RawConnection(port: shop.broker.port)
        connection.send(bytes)
        connection.finish()
        #expect(try connection.isClosedByPeer())
      }
      try check(shop)
    }
  }

  @Test func `a second CONNECT and what comes after it are cut off`() async throws {
    try await Shop.open { shop in
      for name in ["johndoe", "friend"] {
        let connection = try RawConnection(port: shop.broker.port)
        let password = Array(Mosquitto.password(of: name).utf8)
        let connect = Packet.connect(
          clientID: Array("twice".utf8), username: Array(name.utf8), password: password)
        connection.send(connect.bytes)
        #expect(try connection.receivePacket()?.kind == .connack)
        let other = Packet.connect(
          clientID: Array("twice".utf8), username: Array("agent".utf8),
          password: Array(Mosquitto.password(of: "agent").utf8))
        connection.send(other.bytes + Packet.subscribe(Array("sensor/live".utf8)).bytes)
        #expect(try connection.isClosedByPeer())
      }
      try check(shop)
    }
  }

  /// The next packet of a kind.
  private func next(_ connection: RawConnection, _ kind: Packet.Kind) throws -> Packet? {
    while let packet = try connection.receivePacket() {
      if packet.kind == kind { return packet }
    }
    return nil
  }

  /// The broker lives, sells, and ends when it is told to.
  private func check(_ shop: Shop) throws {
    let agent = try shop.client("agent")
    let reader = try shop.client("johndoe")
    for topic in ["sensor/live", "sensor/1m"] { try reader.subscribe(to: topic) }
    #expect(try !agent.reaches(reader))
    try shop.grant("johndoe")
    #expect(try eventually { try agent.reaches(reader) })
    #expect(!reader.arrivals.contains { $0.text == "forged" })
    #expect(try shop.broker.stop().status == 0)
  }
}
