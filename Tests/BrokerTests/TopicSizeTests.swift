import Testing
import TestSupport

/// Topics, filters and names as large and odd as the protocol lets them be.
@Suite(.onOwnThread)
struct TopicSizeTests {
  /// As many bytes as a field's length of two bytes allows.
  private static let longest = 65_535

  @Test func `topics of 64 KiB and of 200 levels are judged like any other`() async throws {
    // The first 200 slashes are allowed.
    let deep = "other/" + Array(repeating: "a", count: 200).joined(separator: "/")
    let long = "other/" + String(repeating: "x", count: Self.longest - 6)
    let longest = String(repeating: "/é", count: 100) + "/"
    try await Shop.open(change: { $0.more = Self.offer }) { shop in
      let agent = try shop.client("agent")
      let reader = try shop.client("johndoe")
      let unpaid = try shop.client("janedoe")
      for filter in ["other/#", "sensor/1m", deep, long, longest] {
        for client in [reader, unpaid] { try client.subscribe(to: filter) }
      }
      for topic in [deep, long] {
        #expect(try !agent.reaches(reader, topic), "\(topic.count)")
        #expect(try reader.publish(topic, "forged") == 0)
      }
      try shop.grant("johndoe", offer: "other")
      for topic in [deep, long] {
        #expect(try eventually { try agent.reaches(reader, topic) }, "\(topic.count)")
        #expect(try !agent.reaches(unpaid, topic), "\(topic.count)")
      }
      #expect(!reader.arrivals.contains { $0.text == "forged" })
      #expect([agent, reader, unpaid].allSatisfy { $0.disconnections == 0 })
    }
  }

  @Test func `what MQTT forbids in topics and filters ends a connection at most`() async throws {
    try await Shop.open { shop in
      let levels = Array(repeating: UInt8(ascii: "/"), count: 201)
      let slashes = Array(repeating: UInt8(ascii: "/"), count: Self.longest)
      let odd: [[UInt8]] = [
        [], [0], levels, slashes, Array("sensor/li\u{0}ve".utf8), Array("sensor/#/a".utf8),
        Array("sensor/li+e".utf8), Array("$share".utf8), Array("$share/".utf8),
        Array("$share/g".utf8), Array("$share/g/".utf8), Array("$share//sensor/live".utf8),
        Array("$share/+/sensor/live".utf8), Array("$share/g/$share/g/sensor/live".utf8),
        // Non-characters, a surrogate, an overlong slash, something cut off, a byte order mark.
        Array("sensor/live".utf8) + [0xEF, 0xBF, 0xBE], [0xEF, 0xBF, 0xBF],
        [0xF4, 0x8F, 0xBF, 0xBF], [0xEF, 0xB7, 0x90], [0xED, 0xA0, 0x80],
        Array("sensor".utf8) + [0xC0, 0xAF] + Array("live".utf8), [0xE2, 0x82],
        [0xEF, 0xBB, 0xBF] + Array("sensor/live".utf8), [0xFF], [0x7F], [0xC2, 0x80],
      ]
      let watcher = try shop.client("agent")
      try watcher.subscribe(to: "sensor/#")
      for bytes in odd {
        let packets: [Packet] = [
          .subscribe(bytes), .publish(bytes, Array("forged".utf8)), .unsubscribe(bytes),
        ]
        for packet in packets {
          let connection = try RawConnection(port: shop.broker.port)
          connection.send(Packet.connect(clientID: Array("odd".utf8)).bytes)
          #expect(try connection.receivePacket()?.kind == .connack)
          connection.send(packet.bytes + Packet.ping.bytes)
          // Either it is answered or it ends the connection, before the broker reads on.
          while let answer = try connection.receivePacket(), answer.kind != .pingresp {}
        }
      }
      try check(shop, watcher)
    }
  }

  @Test(arguments: [4, 5] as [UInt8])
  func `names and passwords of 64 KiB, and odd ones, are refused`(level: UInt8) async throws {
    try await Shop.open { shop in
      let long = Array(repeating: UInt8(ascii: "x"), count: Self.longest)
      let wallet = Array("0x".utf8) + Array(repeating: UInt8(ascii: "a"), count: 64)
      let names: [[UInt8]] = [
        long, Array("buyer:".utf8) + long.dropLast(6), Array("0x".utf8) + long.dropLast(2),
        Array("buyer:".utf8), Array("0x".utf8), wallet, Array("john/doe".utf8),
        Array("#".utf8), Array("+".utf8), Array("$SYS".utf8), Array("%u".utf8),
        Array("johndoe ".utf8), Array("JOHNDOE".utf8), Array("joh\u{0301}ndoe".utf8),
      ]
      for (name, password) in names.flatMap({ name in [long, []].map { (name, $0) } }) {
        let connection = try RawConnection(port: shop.broker.port)
        let connect = Packet.connect(
          clientID: Array("odd".utf8), username: name, password: password, level: level)
        connection.send(connect.bytes)
        if let answer = try connection.receivePacket() {
          #expect(answer.kind == .connack && answer.body.count > 1 && answer.body[1] != 0)
        }
        #expect(try connection.isClosedByPeer())
      }
      let watcher = try shop.client("agent")
      try watcher.subscribe(to: "sensor/#")
      try check(shop, watcher)
    }
  }

  /// The broker lives and sells, and nobody forged anything.
  private func check(_ shop: Shop, _ watcher: Client) throws {
    let reader = try shop.client("johndoe")
    for topic in ["sensor/live", "sensor/1m"] { try reader.subscribe(to: topic) }
    let agent = try shop.client("agent")
    #expect(try !agent.reaches(reader))
    try shop.grant("johndoe")
    #expect(try eventually { try agent.reaches(reader) })
    #expect(!watcher.arrivals.contains { $0.text == "forged" })
    #expect(try shop.broker.stop().status == 0)
  }

  private static let offer = """
    [[offer]]
    name = "other"
    topics = ["other/#"]
    price = "1000 nanos"
    per = "1s"
    """
}
