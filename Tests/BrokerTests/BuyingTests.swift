import DevTangle
import Foundation
import HTTP
import IOTACrypto
import PaywallCore
import TestSupport
import Testing

/// A stranger buys, without asking anyone.
@Suite(.onOwnThread)
struct BuyingTests {
  private struct Account: Decodable {
    struct Offer: Decodable {
      struct Payment: Decodable {
        var digest: String
        var amount_nanos: Int64
      }
      var until: String?
      var credit_nanos: Int64
      var last_payment: Payment?
    }
    struct Notice: Decodable {
      var kind: String
      var offer: String
      var payment: String?
      var missing_nanos: Int64?
    }
    var username: String?
    var offers: [String: Offer]
    var notice: Notice?
  }

  private static func accounts(_ client: Client) throws -> [Account] {
    try client.arrivals(of: SystemTopic.account).map {
      try JSONDecoder().decode(Account.self, from: Data($0.text.utf8))
    }
  }

  private static func awaitNotice(_ kind: String, _ client: Client) throws -> Account? {
    var found: Account?
    _ = try eventually(within: 20) {
      found = try accounts(client).first { $0.notice?.kind == kind }
      return found != nil
    }
    return found
  }

  @Test(arguments: [Client.Version.v311, .v5])
  func `from nothing to live data, and to the end of what was bought`(
    version: Client.Version
  ) async throws {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live")
      let stranger = try shop.client(version: version)
      try stranger.subscribe(to: "$SYS/paywall/#")
      let offers = try #require(stranger.awaitArrival(of: SystemTopic.offers))
      #expect(offers.isRetained)
      let told = try JSONDecoder().decode(
        [String: JSONValue].self, from: Data(offers.text.utf8))
      #expect(told["address"] == .string("\(shop.seller.address)"))
      #expect(told["network"] == .string(shop.tangle.chainIdentifier))
      let key = try #require(
        stranger.awaitArrival(of: SystemTopic.key).flatMap { MemoKey($0.text) })
      #expect(stranger.awaitArrival(of: SystemTopic.account)?.text == Self.nobody)

      #expect(try !shop.accepts("jane", "s3cret"))
      let buyer = try await shop.buyer()
      let memo = try key.memo("jane", "s3cret")
      let paid = try buyer.pay(4000, memos: [memo])
      #expect(try eventually(within: 10) { try shop.accepts("jane", "s3cret") })
      let jane = try shop.client(.init(username: "jane", password: "s3cret", version: version))
      try jane.subscribe(to: "sensor/live")
      try jane.subscribe(to: SystemTopic.account)
      _ = try #require(jane.awaitArrival(of: "sensor/live"))
      let end = try #require(try shop.ledger.grants(of: "buyer:jane").only).ends_at
      _ = try #require(jane.awaitArrival(of: SystemTopic.account))
      let first = try #require(try Self.accounts(jane).first)
      #expect(first.username == "buyer:jane" && first.notice == nil)
      #expect(first.offers["live"]?.last_payment?.digest == paid.digest)
      try sensor.publish(untilMs: end + 1500)
      let last = try #require(jane.arrivals(of: "sensor/live").last)
      #expect(last.atMs <= end + 1000)
      #expect(try Self.awaitNotice("ends_soon", jane)?.notice?.offer == "live")
      #expect(try Self.awaitNotice("ended", jane)?.offers["live"]?.until == nil)

      // The account stays, and more time is bought with the same memo.
      let count = jane.arrivals(of: "sensor/live").count
      let again = try buyer.pay(600_000, memos: [memo])
      #expect(eventually { jane.arrivals(of: "sensor/live").count > count })
      #expect(try Self.awaitNotice("accepted", jane)?.notice?.payment == again.digest)
      sensor.stop()
      // Nobody else was told of any of it.
      #expect(stranger.arrivals(of: SystemTopic.account).map(\.text) == [Self.nobody])
    }
  }

  private static let nobody = #"{"offers":{},"username":null}"#

  @Test func `too little is told to who paid it, with what is missing`() async throws {
    try await Shop.open(change: { $0.minimum = "10s" }) { shop in
      let buyer = try await shop.buyer()
      try shop.pay(4000, by: buyer, for: "jane", "s3cret")
      #expect(try eventually(within: 10) { try shop.accepts("jane", "s3cret") })
      let jane = try shop.client(.init(username: "jane", password: "s3cret"))
      try jane.subscribe(to: SystemTopic.account)
      #expect(jane.awaitArrival(of: SystemTopic.account) != nil)
      #expect(try Self.accounts(jane).first?.offers["live"]?.credit_nanos == 4000)
      try shop.pay(1000, by: buyer, for: "jane", "s3cret")
      #expect(try Self.awaitNotice("too_little", jane)?.notice?.missing_nanos == 5000)
    }
  }

  @Test func `what a login was sold outlives the broker, SIGHUP and restored sessions`()
    async throws
  {
    var mosquitto = Mosquitto.Settings()
    mosquitto.keepsSessions = true
    try await Shop.open(mosquitto) { shop in
      let buyer = try await shop.buyer()
      try shop.pay(600_000, by: buyer, for: "jane", "s3cret")
      #expect(try eventually(within: 10) { try shop.accepts("jane", "s3cret") })
      var options = Client.Options(username: "jane", password: "s3cret")
      options.isClean = false
      let jane = try shop.client(options)
      try jane.subscribe(to: "sensor/live", qos: 1)
      try shop.reload()
      let agent = try shop.client("agent")
      try agent.publish("sensor/live", "1", qos: 1)
      #expect(jane.awaitArrival(of: "sensor/live") { $0.text == "1" } != nil)
      #expect(jane.disconnections == 0)
      jane.disconnect()
      agent.disconnect()
      try shop.broker.stop()
      try shop.broker.start()
      let sensor = try shop.client("agent")
      try sensor.publish("sensor/live", "2", qos: 1)
      try shop.reload()
      let back = try shop.client(options)
      #expect(back.awaitArrival(of: "sensor/live") { $0.text == "2" } != nil)
    }
  }

  @Test func `an offer is named inside the box`() async throws {
    try await Shop.open { shop in
      let agent = try shop.client("agent")
      try shop.pay(600_000, by: try await shop.buyer(), for: "jane", "s3cret", offer: "other")
      #expect(try eventually(within: 10) { try shop.accepts("jane", "s3cret") })
      let jane = try shop.client(.init(username: "jane", password: "s3cret"))
      for topic in ["sensor/1m", "sensor/live", "other/x"] { try jane.subscribe(to: topic) }
      #expect(try agent.reaches(jane, "other/x"))
      #expect(try !agent.reaches(jane, "sensor/live"))
    }
  }

  @Test func `what is sold is told anew after a SIGHUP`() async throws {
    try await Shop.open { shop in
      let stranger = try shop.client()
      try stranger.subscribe(to: SystemTopic.offers)
      #expect(stranger.awaitArrival(of: SystemTopic.offers) != nil)
      shop.settings.price = "2000 nanos"
      try shop.reload()
      #expect(
        stranger.awaitArrival(of: SystemTopic.offers) { $0.text.contains(#":2000"#) } != nil)
      let later = try shop.client()
      try later.subscribe(to: SystemTopic.offers)
      #expect(later.awaitArrival(of: SystemTopic.offers)?.text.contains(#":2000"#) ?? false)
    }
  }
}
