import DevTangle
import Foundation
import IOTACrypto
import PaywallCore
import TestSupport
import Testing

/// `paywall buy`, `watch` and `account`, against the real broker.
@Suite(.onOwnThread)
struct BuyCommandTests {
  @Test(arguments: ["3.1.1", "5"])
  func `one command from nothing to live data, until the time ends`(version: String) async throws {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live")
      let buyer = try await BuyerCommand(shop)
      let buy = try buyer.start(
        "buy", "live", "--for", "4s", "--yes", "-v", "--mqtt-version", version)
      let status = buy.status()
      #expect(status == 0, "\(buy.errors)")
      #expect(buy.lines.count > 5, "\(buy.output)")
      #expect(buy.lines.allSatisfy { $0.hasPrefix("sensor/live ") })
      #expect(buy.errors.contains("Paid: "))
      #expect(buy.errors.contains("Ends soon: 'live'") && buy.errors.contains("Ended: 'live'"))
      let account = try #require(try shop.ledger.payments().only?.account)
      #expect(account.hasPrefix("buyer:buyer-"))
      let saved = try buyer.logins()
      #expect(saved.mode == 0o600)
      #expect(saved.text.contains(account.dropFirst("buyer:".count)))

      // Another time it is the same account; what is left can be asked for and watched.
      let again = try buyer.start(
        "buy", "live", "--for", "10m", "--yes", "--json", "--count", "3")
      #expect(again.status() == 0, "\(again.errors)")
      #expect(again.lines.count == 3 && again.lines.allSatisfy { $0.contains(#""qos":0"#) })
      #expect(try shop.ledger.payments().map(\.account) == [account, account])
      let left = try buyer.start("account")
      #expect(left.status() == 0, "\(left.errors)")
      #expect(left.output.contains(#""username":"\#(account)""#))
      #expect(left.output.contains(#""until":"20"#))
      let watch = try buyer.start("watch", "live", "--count", "2")
      #expect(watch.status() == 0 && watch.lines.count == 2, "\(watch.errors)")
      sensor.stop()
    }
  }

  @Test func `a name that is somebody's costs nobody anything: the time is the wallet's`()
    async throws
  {
    try await Shop.open(change: { $0.realm = "127.0.0.1" }) { shop in
      let sensor = try shop.sensor("sensor/live")
      try shop.ledger.settled(
        try shop.pay(60_000, by: try await shop.buyer(), for: "jane", "s3cret"))
      let buyer = try await BuyerCommand(shop)
      let buy = try buyer.start(
        "buy", "live", "--for", "10m", "--yes", "--username", "jane", "--count", "2")
      #expect(buy.status() == 0, "\(buy.errors)")
      #expect(buy.lines.count == 2)
      #expect(buy.errors.contains("--wallet-login"))
      #expect(try shop.ledger.payments().last?.account == "\(buyer.key.address)")
      let watch = try buyer.start("watch", "live", "--wallet-login", "--count", "2")
      #expect(watch.status() == 0 && watch.lines.count == 2, "\(watch.errors)")
      #expect(try shop.accepts("jane", "s3cret"))
      sensor.stop()
    }
  }

  @Test func `a wallet buys for itself, and signs for no other realm`() async throws {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live")
      let buyer = try await BuyerCommand(shop)
      let refused = try buyer.start("buy", "live", "--for", "10m", "--yes", "--wallet-login")
      #expect(refused.status() != 0)
      #expect(refused.errors.contains("'plug.test'"), "\(refused.errors)")
      #expect(try shop.ledger.payments().isEmpty)
      let buy = try buyer.start(
        "buy", "live", "--for", "10m", "--yes", "--wallet-login", "--realm", "plug.test",
        "--count", "2")
      #expect(buy.status() == 0 && buy.lines.count == 2, "\(buy.errors)")
      #expect(try shop.ledger.payments().only?.account == "\(buyer.key.address)")
      sensor.stop()
    }
  }

  @Test func `who pays by another wallet follows the instructions`() async throws {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live")
      let buyer = try await BuyerCommand(shop)
      let buy = try buyer.start("buy", "live", "--for", "10m", "--instructions", "--count", "2")
      let other = try await shop.buyer()
      var memo: String?
      #expect(
        eventually {
          memo = buy.errors.firstMatch(of: /Memo: +(\{.*\})/).map { String($0.1) }
          return memo != nil && buy.errors.contains("gas-budget")
        }, "\(buy.errors)")
      #expect(buy.errors.contains("@\(shop.seller.address)"))
      #expect(try buyer.logins().mode == 0o600, "saved before anything is paid")
      _ = try other.pay(600_000, memos: [try #require(memo)])
      #expect(buy.status() == 0 && buy.lines.count == 2, "\(buy.errors)")
      sensor.stop()
    }
  }

  @Test func `what cannot be bought costs nothing, and says why`() async throws {
    try await Shop.open(change: { $0.minimum = "5s" }) { shop in
      let buyer = try await BuyerCommand(shop)
      let somebody = PrivateKey().address
      for (arguments, reason) in [
        (["nothing", "--for", "1h", "--yes"], "it sells live, other"),
        (["live", "--for", "1s", "--yes"], "The least that is sold of 'live' is 5s"),
        (["live", "--for", "1h"], "nobody can be asked"),
        (["live", "--for", "1h", "--yes", "--seller", "\(somebody)"], "\(shop.seller.address)"),
        (["live", "--for", "10000000h", "--yes"], "The wallet"),
      ] {
        let run = try buyer.start("buy", arguments)
        #expect(run.status() != 0)
        #expect(run.errors.contains(reason), "\(run.errors)")
        #expect(run.output.isEmpty)
      }
      #expect(try shop.ledger.payments().isEmpty)
    }
  }

  @Test(arguments: ["3.1.1", "5"])
  func `over TLS it wants to know the authority`(version: String) async throws {
    try await Shop.prepare { shop in
      let certificates = try Certificates(shop.broker.scratch)
      let port = LocalPort.free()
      shop.broker.settings.moreLines = [
        "listener \(port) 127.0.0.1", "certfile \(certificates.broker.certificatePath)",
        "keyfile \(certificates.broker.keyPath)",
      ]
      try shop.broker.start()
      let sensor = try shop.sensor("sensor/live")
      var buyer = try await BuyerCommand(shop)
      buyer.url = "mqtts://127.0.0.1:\(port)"
      let stranger = try buyer.start("buy", "live", "--for", "10m", "--yes")
      #expect(stranger.status() == 6 && stranger.errors.contains("TLS"), "\(stranger.errors)")
      #expect(try shop.ledger.payments().isEmpty)
      let buy = try buyer.start(
        "buy", "live", "--for", "10m", "--yes", "--count", "2", "--mqtt-version", version,
        "--cafile", certificates.broker.authorityPath)
      #expect(buy.status() == 0 && buy.lines.count == 2, "\(buy.errors)")
      sensor.stop()
    }
  }

  @Test func `Ctrl-C ends it, and watching goes on later`() async throws {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live")
      let buyer = try await BuyerCommand(shop)
      let buy = try buyer.start("buy", "live", "--for", "10m", "--yes")
      #expect(eventually { buy.lines.count > 2 }, "\(buy.errors)")
      buy.process.signal(SIGINT)
      #expect(buy.status(withinS: 10) == 0)
      let watch = try buyer.start("watch", "live", "--count", "1")
      #expect(watch.status() == 0 && watch.lines.count == 1, "\(watch.errors)")
      sensor.stop()
    }
  }
}
