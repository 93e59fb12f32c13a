import Testing
import TestSupport

/// `mount_point`: topics of that listener have a prefix for everybody but its clients.
@Suite(.onOwnThread)
struct MountPointTests {
  /// What the listener's clients see before their topics: 2.0.11 does not take the prefix away.
  private static let shown = Mosquitto.version < (2, 0, 12) ? "site/" : ""

  @Test(arguments: Client.Version.allCases)
  func `what is sold on the listener is named with its prefix`(
    version: Client.Version
  ) async throws {
    try await Self.open(topic: "site/sensor/live") { shop, port in
      let inside = try Self.readers(shop, port, version, prefix: "")
      let outside = try Self.readers(shop, shop.broker.port, version, prefix: "site/")
      let agent = try Self.client(shop, port, "friend", version)
      for qos: Int32 in 0...2 {
        #expect(try !agent.reaches(inside, qos: qos, prefix: Self.shown))
        // A payer who is no publisher stays one behind the prefix.
        try inside.publish("sensor/live", "forged", qos: qos)
      }
      try shop.grant("johndoe", offer: "mounted")
      #expect(try eventually { try agent.reaches(inside, qos: 1, prefix: Self.shown) })
      try agent.publish("sensor/live", "last", qos: 1)
      #expect(
        inside.awaitArrival(of: Self.shown + "sensor/live") { $0.text == "last" } != nil)
      #expect(outside.awaitArrival(of: "site/sensor/live") { $0.text == "last" } != nil)
      try shop.revoke("johndoe", offer: "mounted")
      #expect(try eventually { try !agent.reaches(inside, qos: 1, prefix: Self.shown) })
      #expect(!(inside.arrivals + outside.arrivals).contains { $0.text == "forged" })
    }
  }

  @Test func `a topic that is sold without the prefix is another one`() async throws {
    try await Self.open(topic: "other/a") { shop, port in
      let inside = try Self.readers(shop, port, .v5, prefix: "")
      let agent = try Self.client(shop, port, "friend", .v5)
      // The broker's other rules have it, as any topic that is neither sold nor free.
      #expect(try agent.reaches(inside, qos: 1, prefix: Self.shown))
      let outside = try Self.readers(shop, shop.broker.port, .v5, prefix: "")
      #expect(try !shop.client("agent").reaches(outside, qos: 1))
    }
  }

  /// The broker puts the prefix before `$share`, too.
  @Test func `a shared subscription shares nothing behind a prefix`() async throws {
    try await Self.open(topic: "site/sensor/live") { shop, port in
      let reader = try Self.readers(shop, port, .v5, prefix: "")
      try shop.grant("johndoe", offer: "mounted")
      let agent = try Self.client(shop, port, "friend", .v5)
      #expect(try eventually { try agent.reaches(reader, qos: 1, prefix: Self.shown) })
      let members = try ["johndoe", "janedoe", nil].map { name in
        let member = try Self.client(shop, port, name, .v5)
        for filter in ["$share/g/sensor/live", "$share/g/#"] {
          _ = try member.subscribe(to: filter, qos: 1)
        }
        return member
      }
      for _ in 1...10 { #expect(try agent.reaches(reader, qos: 1, prefix: Self.shown)) }
      #expect(members.allSatisfy { !$0.arrivals.contains { $0.topic.hasSuffix("sensor/live") } })
      #expect(try shop.broker.stop().status == 0)
    }
  }

  /// A broker with a second listener, whose clients live in `site/`.
  private static func open(
    topic: String, _ body: (inout Shop, UInt16) async throws -> Void
  ) async throws {
    let port = LocalPort.free()
    var mosquitto = Mosquitto.Settings()
    mosquitto.moreLines = ["listener \(port) 127.0.0.1", "mount_point site/"]
    mosquitto.aclLines = ["topic readwrite site/#"]
    mosquitto.aclLines += ["user friend", "topic readwrite site/#"]
    mosquitto.aclLines += ["user johndoe", "topic readwrite site/#"]
    try await Shop.open(
      mosquitto,
      change: {
        $0.free.append("site/sensor/1m")
        $0.more = """
          [[offer]]
          name = "mounted"
          topics = ["\(topic)"]
          price = "1000 nanos"
          per = "1s"
          [[account]]
          username = "friend"
          publish = ["site/#"]
          """
      }
    ) { try await body(&$0, port) }
  }

  private static func client(
    _ shop: Shop, _ port: UInt16, _ name: String?, _ version: Client.Version
  ) throws -> Client {
    let client = try Client(
      port: port,
      .init(
        username: name, password: name.map { Mosquitto.password(of: $0) }, version: version))
    guard try client.connect() == 0 else { throw TestFailure("\(name ?? "") is refused") }
    return client
  }

  private static func readers(
    _ shop: Shop, _ port: UInt16, _ version: Client.Version, prefix: String
  ) throws -> Client {
    let reader = try client(shop, port, "johndoe", version)
    for topic in ["sensor/live", "sensor/1m"] { try reader.subscribe(to: prefix + topic, qos: 2) }
    return reader
  }
}
