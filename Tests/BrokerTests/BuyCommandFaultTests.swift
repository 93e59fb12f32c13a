import DevTangle
import Foundation
import IOTACrypto
import PaywallCore
import TestSupport
import Testing

/// `paywall buy` and `watch` against the real broker, where something is in their way.
@Suite(.onOwnThread)
struct BuyCommandFaultTests {
  @Test(arguments: ["3.1.1", "5"])
  func `a broker that denies what is not bought yet serves who has just bought`(version: String)
    async throws
  {
    try await Shop.open(change: { $0.subscribe = "strict" }) { shop in
      let sensor = try shop.sensor("sensor/live")
      let buyer = try await BuyerCommand(shop)
      let buy = try buyer.start(
        "buy", "live", "--for", "4s", "--yes", "--mqtt-version", version)
      #expect(buy.status() == 0, "\(buy.errors)")
      #expect(buy.lines.count > 5 && buy.errors.contains("Ended: 'live'"), "\(buy.errors)")
      // The account is there, and has nothing: what is bought next is received all the same.
      let again = try buyer.start("buy", "live", "--for", "10m", "--yes", "--count", "3")
      #expect(again.status() == 0 && again.lines.count == 3, "\(again.errors)")
      sensor.stop()
    }
  }

  @Test func `who watches before anything is bought gets the retained value with it`() async throws
  {
    try await Shop.open { shop in
      let agent = try shop.client("agent")
      try agent.publish("sensor/live", "kept", qos: 1, isRetained: true)
      let buyer = try await BuyerCommand(shop)
      let first = try buyer.start("buy", "live", "--for", "1s", "--yes")
      #expect(first.status() == 0, "\(first.errors)")
      let watch = try buyer.start("watch", "live")
      #expect(
        eventually { watch.errors.contains("waiting for a payment to count") }, "\(watch.errors)")
      let more = try buyer.start("buy", "live", "--for", "10m", "--yes", "--count", "1")
      #expect(more.status() == 0 && more.lines == ["kept"], "\(more.errors)")
      #expect(eventually { watch.lines == ["kept"] }, "\(watch.errors)")
    }
  }

  @Test func `a broker that lets nobody in anonymously is asked as a user of its own`()
    async throws
  {
    var mosquitto = Mosquitto.Settings()
    mosquitto.moreLines = ["allow_anonymous false"]
    try await Shop.open(mosquitto) { shop in
      let sensor = try shop.sensor("sensor/live")
      let buyer = try await BuyerCommand(shop)
      let stranger = try buyer.start("buy", "live", "--for", "10m", "--yes")
      #expect(stranger.status() == 6 && stranger.errors.contains("--login"), "\(stranger.errors)")
      let file = try buyer.home.write("johndoe-secret\n", to: "john.password")
      let words = [
        "live", "--for", "10m", "--yes", "--count", "2", "--login", "johndoe",
        "--login-password-file", file,
      ]
      let open = try buyer.start("buy", words)
      #expect(open.status() == 1 && open.errors.contains("chmod 600"), "\(open.errors)")
      #expect(try shop.ledger.payments().isEmpty)
      chmod(file, 0o600)
      let buy = try buyer.start("buy", words)
      #expect(buy.status() == 0 && buy.lines.count == 2, "\(buy.errors)")
      // The time is not that user's.
      #expect(try shop.ledger.payments().only?.account?.hasPrefix("buyer:buyer-") == true)
      sensor.stop()
    }
  }

  @Test func `a name that is somebody's leaves the wallet what was bought, whichever offer it was`()
    async throws
  {
    try await Shop.open(change: { $0.realm = "127.0.0.1" }) { shop in
      let sensor = try shop.sensor("other/x")
      try shop.ledger.settled(
        try shop.pay(60_000, by: try await shop.buyer(), for: "jane", "s3cret"))
      let buyer = try await BuyerCommand(shop)
      let buy = try buyer.start(
        "buy", "other", "--for", "10m", "--yes", "--username", "jane", "--count", "2")
      #expect(buy.status() == 0 && buy.lines.count == 2, "\(buy.errors)")
      let payment = try #require(try shop.ledger.payments().last)
      #expect(payment.account == "\(buyer.key.address)" && payment.offer == "other")
      // The name is not paid for twice, its login is kept, and the wallet goes on.
      let again = try buyer.start("buy", "other", "--for", "10m", "--yes", "--username", "jane")
      #expect(again.status() == 6 && again.errors.contains("choose another"), "\(again.errors)")
      #expect(try shop.ledger.payments().count == 2)
      #expect(try buyer.logins().text.contains(#""refused" : ["#))
      let command = try #require(buy.errors.firstMatch(of: /'paywall (watch [^']*)'/)).1
      #expect(command.hasPrefix("watch \(buyer.url) other --wallet-login --wallet "))
      let watch = try buyer.start("watch", "other", "--wallet-login", "--count", "2")
      #expect(watch.status() == 0 && watch.lines.count == 2, "\(watch.errors)")
      sensor.stop()
    }
  }

  @Test func `a broker that goes away and comes back is followed`() async throws {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live")
      let buyer = try await BuyerCommand(shop)
      let buy = try buyer.start("buy", "live", "--for", "10m", "--yes")
      #expect(eventually { buy.lines.count > 2 }, "\(buy.errors)")
      try shop.broker.stop()
      #expect(eventually { buy.errors.contains("is lost; it is tried again.") }, "\(buy.errors)")
      let count = buy.lines.count
      sensor.stop()
      try shop.broker.start()
      let back = try shop.sensor("sensor/live")
      #expect(eventually { buy.errors.contains(" is back.") }, "\(buy.errors)")
      #expect(eventually { buy.lines.count > count + 2 }, "\(buy.errors)")
      back.stop()
    }
  }

  @Test func `killed between saving the login and paying, nothing is paid, and the login serves`()
    async throws
  {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live")
      let relay = try RelayNode(to: shop.tangle.nodeURL)
      relay.mute("iota_executeTransactionBlock", passingOn: false)
      var buyer = try await BuyerCommand(shop)
      buyer.nodeURL = relay.url
      let buy = try buyer.start("buy", "live", "--for", "10m", "--yes")
      #expect(eventually { relay.heldCount > 0 }, "\(buy.errors)")
      buy.process.signal(SIGKILL)
      _ = buy.status()
      let saved = try buyer.logins()
      #expect(saved.mode == 0o600)

      buyer.nodeURL = shop.tangle.nodeURL
      let again = try buyer.start("buy", "live", "--for", "10m", "--yes", "--count", "2")
      #expect(again.status() == 0 && again.lines.count == 2, "\(again.errors)")
      #expect(try buyer.logins().text == saved.text)
      let payment = try #require(try shop.ledger.payments().only)
      #expect(saved.text.contains(payment.account?.dropFirst("buyer:".count) ?? "?"))
      sensor.stop()
    }
  }

  @Test func `killed between paying and the login, the time is there for who comes back`()
    async throws
  {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live")
      let relay = try RelayNode(to: shop.tangle.nodeURL)
      relay.mute("iota_executeTransactionBlock", passingOn: true)
      var buyer = try await BuyerCommand(shop)
      buyer.nodeURL = relay.url
      let buy = try buyer.start("buy", "live", "--for", "10m", "--yes")
      #expect(eventually { relay.heldCount > 0 }, "\(buy.errors)")
      buy.process.signal(SIGKILL)
      _ = buy.status()
      #expect(eventually { (try? shop.ledger.payments().only?.account?.isEmpty) == false })

      let watch = try buyer.start("watch", "live", "--count", "2")
      #expect(watch.status() == 0 && watch.lines.count == 2, "\(watch.errors)")
      buyer.nodeURL = shop.tangle.nodeURL
      let again = try buyer.start("buy", "live", "--for", "10m", "--yes", "--count", "2")
      #expect(again.status() == 0 && again.lines.count == 2, "\(again.errors)")
      let accounts = try shop.ledger.payments().map(\.account)
      #expect(accounts.count == 2 && Set(accounts).count == 1)
      let ends = try shop.ledger.grants().map(\.ends_at).max() ?? 0
      #expect(ends > nowMs() + 1_150_000, "20 minutes in all")
      sensor.stop()
    }
  }
}
