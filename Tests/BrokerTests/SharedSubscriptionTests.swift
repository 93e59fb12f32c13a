import Foundation
import Testing
import TestSupport

/// Shared subscriptions (`$share/…`) to what is sold: a member who may not read would swallow the
/// messages of the others.
@Suite(.onOwnThread)
struct SharedSubscriptionTests {
  private let live = "$share/group/sensor/live"
  private let other = "$share/group/other/a"

  /// A client's options, with a session that goes on or not.
  private func options(
    _ name: String, _ version: Client.Version, isClean: Bool = true
  ) -> Client.Options {
    .init(
      username: name, password: Mosquitto.password(of: name), version: version, isClean: isClean)
  }

  /// Publishes numbered messages, and waits until the members have all of them together.
  private func expectAll(
    _ shop: Shop, _ topic: String, reach members: [Client], from first: Int
  ) throws {
    let agent = try shop.client("agent")
    let wanted = (first..<first + 40).map { "\($0)" }
    for text in wanted { try agent.publish(topic, text, qos: 1) }
    var missing: Set<String> = []
    let isComplete = eventually {
      missing = Set(wanted).subtracting(members.flatMap { $0.arrivals(of: topic) }.map(\.text))
      return missing.isEmpty
    }
    #expect(isComplete, "missing \(missing)")
  }

  /// Buys time, which the broker knows of when this returns.
  private func pay(
    _ shop: Shop, seconds: Int64, for name: String, offer: String? = nil
  ) async throws {
    // Has the tangle read often.
    try shop.client().subscribe(to: "sensor/live")
    let paid = try await shop.buyer().pay(seconds * 1000, username: name, offer: offer)
    try shop.ledger.settled(paid)
  }

  private func reload(_ shop: Shop, times: Int = 1) throws {
    try shop.configure()
    shop.broker.reload()
    #expect(shop.broker.logs("was read again", times: times))
  }

  @Test(arguments: [Client.Version.v311, .v5])
  func `a member whose time is over is kicked, and the others miss nothing after that`(
    version: Client.Version
  ) async throws {
    try await Shop.open { shop in
      let denied =
        version == .v5 ? Client.Reason.notAuthorized : Client.Reason.v311SubscribeFailed
      let short = try shop.client("johndoe", version: version)
      let long = try shop.client("janedoe", version: version)
      let unpaid = try shop.client("friend", version: version)
      try await pay(shop, seconds: 60, for: "janedoe")
      #expect(try eventually { try long.subscribe(to: live, qos: 1) == 1 })
      try await pay(shop, seconds: 4, for: "johndoe")
      #expect(try eventually { try short.subscribe(to: live, qos: 1) == 1 })
      #expect(try unpaid.subscribe(to: live, qos: 1) == denied)
      try expectAll(shop, "sensor/live", reach: [short, long], from: 0)
      #expect(!short.arrivals.isEmpty && !long.arrivals.isEmpty, "a group shares")

      #expect(eventually { short.disconnections == 1 })
      try expectAll(shop, "sensor/live", reach: [long], from: 100)
      #expect([long, unpaid].allSatisfy { $0.disconnections == 0 })
      #expect(unpaid.arrivals.isEmpty)
    }
  }

  @Test(arguments: [Client.Version.v311, .v5])
  func `a SIGHUP that makes a topic sold kicks who shares it unpaid`(version: Client.Version)
    async throws
  {
    try await Shop.open(change: { $0.free.append("other/a") }) { shop in
      let payer = try shop.client("johndoe", version: version)
      let stranger = try shop.client(version: version)
      let offline = try shop.client(options("friend", version, isClean: false))
      let elsewhere = try shop.client(version: version)
      for client in [payer, stranger, offline] {
        #expect(try client.subscribe(to: other, qos: 1) == 1)
      }
      #expect(try elsewhere.subscribe(to: "$share/group/sensor/1m") == 0)
      try await pay(shop, seconds: 60, for: "johndoe", offer: "other")
      offline.disconnect()

      shop.settings.free.removeLast()
      try reload(shop)
      #expect(eventually { stranger.disconnections == 1 })
      try expectAll(shop, "other/a", reach: [payer], from: 0)
      #expect([payer, elsewhere].allSatisfy { $0.disconnections == 0 })
    }
  }

  @Test func `a SIGHUP that makes a topic free lets its members stay`() async throws {
    try await Shop.open { shop in
      let payer = try shop.client("johndoe")
      try await pay(shop, seconds: 4, for: "johndoe")
      #expect(try eventually { try payer.subscribe(to: live, qos: 1) == 1 })
      shop.settings.free.append("sensor/live")
      try reload(shop)
      let end = try #require(try shop.ledger.grants().only).ends_at
      let stranger = try shop.client()
      #expect(try stranger.subscribe(to: live, qos: 1) == 1)
      #expect(eventually { nowMs() > end + 1000 })
      try expectAll(shop, "sensor/live", reach: [payer, stranger], from: 0)
      #expect([payer, stranger].allSatisfy { $0.disconnections == 0 })
    }
  }

  @Test func `what is sold no more is shared by those who bought it, then by everybody`()
    async throws
  {
    var mosquitto = Mosquitto.Settings()
    mosquitto.aclLines = ["pattern readwrite other/#"]
    try await Shop.open(mosquitto) { shop in
      let payer = try shop.client("johndoe")
      let stranger = try shop.client(version: .v5)
      try await pay(shop, seconds: 5, for: "johndoe", offer: "other")
      #expect(try eventually { try payer.subscribe(to: other, qos: 1) == 1 })
      shop.settings.more = ""
      try reload(shop)
      #expect(try stranger.subscribe(to: other, qos: 1) == Client.Reason.notAuthorized)
      try expectAll(shop, "other/a", reach: [payer], from: 0)

      #expect(try eventually { try stranger.subscribe(to: other, qos: 1) == 1 })
      let members = payer.disconnections == 0 ? [payer, stranger] : [stranger]
      try expectAll(shop, "other/a", reach: members, from: 100)
      #expect(stranger.disconnections == 0)
    }
  }

  @Test func `a member whose grant is revoked is kicked within a second`() async throws {
    try await Shop.open { shop in
      let friend = try shop.client("friend")
      let payer = try shop.client("johndoe", version: .v5)
      try await pay(shop, seconds: 60, for: "johndoe")
      #expect(try eventually { try payer.subscribe(to: live, qos: 1) == 1 })
      try shop.ledger.execute(
        """
        INSERT INTO grants (account, offer, kind, starts_at, ends_at)
        VALUES ('friend', 'live', 'granted', \(nowMs() - 1000), \(nowMs() + 600000))
        """)
      #expect(try eventually { try friend.subscribe(to: live, qos: 1) == 1 })
      try shop.ledger.execute(
        """
        INSERT INTO grants (account, offer, kind, starts_at, ends_at)
        VALUES ('friend', 'live', 'revoked', \(nowMs() - 1000), \(nowMs() + 600000))
        """)
      let revokedAtMs = nowMs()
      #expect(eventually { friend.disconnections == 1 })
      #expect(nowMs() - revokedAtMs < 2000)
      try expectAll(shop, "sensor/live", reach: [payer], from: 0)
      #expect(payer.disconnections == 0)
    }
  }

  @Test(arguments: [Client.Version.v311, .v5])
  func `a session that is kicked loses what it may not share, and nothing else`(
    version: Client.Version
  ) async throws {
    try await Shop.open { shop in
      let options = options("johndoe", version, isClean: false)
      let member = try shop.client(options)
      let payer = try shop.client("janedoe", version: version)
      for name in ["johndoe", "janedoe"] {
        try await pay(shop, seconds: 60, for: name, offer: "other")
      }
      try await pay(shop, seconds: 60, for: "janedoe")
      try await pay(shop, seconds: 4, for: "johndoe")
      for client in [payer, member] {
        for filter in [live, other] {
          #expect(try eventually { try client.subscribe(to: filter, qos: 1) == 1 })
        }
      }
      #expect(try member.subscribe(to: "sensor/+", qos: 1) == 1)
      #expect(eventually { member.disconnections == 1 })

      let back = try shop.client(options)
      try expectAll(shop, "sensor/live", reach: [payer], from: 0)
      #expect(back.arrivals(of: "sensor/live").isEmpty)
      try expectAll(shop, "other/a", reach: [payer, back], from: 0)
      #expect(!back.arrivals(of: "other/a").isEmpty, "it still shares what it may")
      try await pay(shop, seconds: 60, for: "johndoe")
      let agent = try shop.client("agent")
      #expect(
        try eventually {
          try agent.publish("sensor/live", "again", qos: 1)
          return back.awaitArrival(of: "sensor/live", withinS: 0.1) != nil
        }, "it still has what is not shared")
      #expect([back, payer].allSatisfy { $0.disconnections == 0 })
    }
  }

  @Test(arguments: [Client.Version.v311, .v5])
  func `a member's session shares while it is offline, as long as its time lasts`(
    version: Client.Version
  ) async throws {
    try await Shop.open { shop in
      let options = options("johndoe", version, isClean: false)
      let member = try shop.client(options)
      let payer = try shop.client("janedoe", version: version)
      try await pay(shop, seconds: 60, for: "janedoe")
      try await pay(shop, seconds: 8, for: "johndoe")
      for client in [payer, member] {
        #expect(try eventually { try client.subscribe(to: live, qos: 1) == 1 })
      }
      let end = try #require(try shop.ledger.grants(of: "johndoe").only).ends_at
      // The broker is asked for the session meanwhile.
      member.disconnect()
      let offlineAtMs = nowMs()
      #expect(eventually { nowMs() > offlineAtMs + 2500 })
      let agent = try shop.client("agent")
      for number in 0..<40 { try agent.publish("sensor/live", "\(number)", qos: 1) }
      let back = try shop.client(options)
      #expect(
        eventually { Set((payer.arrivals + back.arrivals).map(\.text)).count == 40 })
      #expect(!back.arrivals.isEmpty, "it still shares")
      #expect(back.disconnections == 0)

      back.disconnect()
      #expect(eventually { nowMs() > end + 1000 })
      try expectAll(shop, "sensor/live", reach: [payer], from: 100)
      let late = try shop.client(options)
      try late.subscribe(to: "sensor/1m", qos: 1)
      try agent.publish("sensor/1m", "free", qos: 1)
      #expect(late.awaitArrival(of: "sensor/1m") != nil)
      #expect(late.disconnections == 0 && payer.disconnections == 0)
      #expect(!shop.broker.log.contains("administrative action"), "nobody was kicked")
    }
  }
}
