import DevTangle
import Foundation
import IOTACrypto
import PaywallCore
import TestSupport
import Testing

/// A private tangle of Stardust, whose milestones have whole seconds.
@Suite(.onOwnThread)
struct StardustTests {
  private let seller = PrivateKey().address
  private let buyer = PrivateKey()

  /// Runs a test with a broker that reads a Stardust tangle, and stops both after it.
  private func withBroker(
    _ body: (DevStardust, Mosquitto, LedgerFile) async throws -> Void
  ) async throws {
    let tangle = try await DevStardust.start()
    do {
      let broker = try Mosquitto()
      var settings = Shop.Settings()
      settings.protocol = "stardust"
      settings.nodes = [tangle.nodeURL]
      settings.network = "private_tangle1"
      settings.address = Bech32.encode(prefix: "tst", [0] + seller.bytes)
      try broker.scratch.write(
        settings.toml(ledger: broker.ledgerPath, secret: broker.secretPath), to: "paywall.toml")
      try broker.start()
      try await body(tangle, broker, LedgerFile(path: broker.ledgerPath))
      if broker.isRunning { try broker.stop() }
    } catch {
      await tangle.stop()
      throw error
    }
    await tangle.stop()
  }

  private func reader(_ broker: Mosquitto, _ options: Client.Options) throws -> Client {
    let client = try Client(port: broker.port, options)
    try #require(try client.connect() == 0)
    try client.subscribe(to: "sensor/live")
    return client
  }

  /// Pays so many seconds.
  private func pay(
    _ tangle: DevStardust, _ amount: UInt64, memo: String? = nil,
    change: (inout StardustOrder) -> Void = { _ in }
  ) async throws -> Buyer.Paid {
    var order = StardustOrder(to: seller, amount: amount, sender: buyer.address)
    order.metadata = memo.map { Array($0.utf8) }
    change(&order)
    return Buyer.Paid(digest: "\(try await tangle.pay(order))", executedAtMs: nowMs())
  }

  @Test func `a payment opens a topic even if it is swept at once, and the clock closes it`()
    async throws
  {
    try await withBroker { tangle, broker, ledger in
      let sensor = try Sensor(port: broker.port, topics: ["sensor/live"])
      let john = try reader(broker, .account("johndoe"))
      let paid = try await pay(tangle, 4, memo: #"{"username":"johndoe"}"#)
      try await tangle.sweep(seller, to: PrivateKey().address)
      let first = try #require(john.awaitArrival(of: "sensor/live"))
      #expect(first.atMs - paid.executedAtMs < 4000)
      let grant = try #require(try ledger.grants().only)
      #expect(grant.account == "johndoe" && grant.ends_at - grant.starts_at == 4000)
      #expect(grant.starts_at % 1000 == 0)
      try sensor.publish(untilMs: grant.ends_at + 3500)
      sensor.stop()
      let last = try #require(john.arrivals(of: "sensor/live").last)
      // The tangle's time is told in whole seconds, once a second.
      #expect((grant.ends_at - 500...grant.ends_at + 2500).contains(last.atMs))
      #expect(try ledger.payments().count == 1)
    }
  }

  @Test func `without a memo the sender's wallet may log in, and odd outputs are no payments`()
    async throws
  {
    try await withBroker { tangle, broker, ledger in
      let paid = try await pay(tangle, 600)
      let expiring = try await pay(tangle, 5) { $0.expiration = 2_000_000_000 }
      let unknown = try await pay(tangle, 5) { $0.sender = nil }
      let payment = try ledger.settled(paid)
      #expect(payment.state == "confirmed" && payment.amount == 600_000)
      #expect(payment.payer == "\(buyer.address)" && payment.account == "\(buyer.address)")
      #expect(try ledger.settled(expiring).state == "rejected")
      #expect(try ledger.settled(expiring).reason == "the output expires and then goes back")
      #expect(try ledger.settled(unknown).state == "unclaimed")
      let sensor = try Sensor(port: broker.port, topics: ["sensor/live"])
      let wallet = try reader(broker, .wallet(buyer))
      #expect(wallet.awaitArrival(of: "sensor/live") != nil)
      sensor.stop()
    }
  }

  @Test func `an outage and a restart lose nothing`() async throws {
    try await withBroker { tangle, broker, ledger in
      let first = try await pay(tangle, 1, memo: #"{"username":"johndoe"}"#)
      try ledger.settled(first)
      await tangle.goDown()
      let second = try await pay(tangle, 2, memo: #"{"username":"johndoe"}"#)
      try await tangle.sweep(seller, to: PrivateKey().address)
      #expect(broker.logs("cannot connect"))
      try broker.stop()
      try await tangle.comeUp()
      let third = try await pay(tangle, 3, memo: #"{"username":"johndoe"}"#)
      try broker.start()
      #expect(try ledger.settled(second, withinS: 30).amount == 2000)
      #expect(try ledger.settled(third, withinS: 30).amount == 3000)
      #expect(try ledger.payments().count == 3)
      let grants = try ledger.grants()
      // Where the last two are in one milestone, their digests decide which is first.
      let lengths = grants.map { $0.ends_at - $0.starts_at }
      #expect(lengths.sorted() == [1000, 2000, 3000], "\(grants)")
    }
  }
}
