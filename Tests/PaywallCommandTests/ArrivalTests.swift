import DevTangle
import Foundation
import IOTACrypto
import PaywallCore
import TestSupport
import Testing
import Wallet

/// What happens where the login that was paid for is not accepted.
@Suite(.timeLimit(.minutes(3))) struct ArrivalTests {
  private let home: Home
  private let stall: Stall

  init() throws {
    home = try Home()
    stall = try Stall()
  }

  private func logins(_ broker: StandIn) -> LoginFile {
    LoginFile(path: home.loginsPath("127.0.0.1:\(broker.port)"))
  }

  /// A broker that can open no box; what its wallets are told of depends on what was paid.
  private func refusingBroker(
    _ tangle: DevTangle, report: @escaping @Sendable (String?) -> String
  ) throws -> StandIn {
    let (stall, node) = (stall, tangle.nodeURL)
    return try stall.broker(
      tangle, offers: try stall.offers(network: tangle.chainIdentifier, others: ["other"]),
      opens: false,
      account: { login in
        Stall.isWallet(login) ? report(stall.digests(node).last) : Stall.report(of: nil)
      })
  }

  private func buy(_ broker: StandIn, _ tangle: DevTangle, _ more: String...) async throws
    -> Home.Outcome
  {
    try await home.paywall(
      [
        "buy", "mqtt://127.0.0.1:\(broker.port)", "live", "--for", "1h", "--node", tangle.nodeURL,
        "--count", "1",
      ] + more)
  }

  @Test func `time that is the wallet's is received as the wallet, and the login kept aside`()
    async throws
  {
    let tangle = try await DevTangle.start()
    try await home.fund(tangle)
    let broker = try refusingBroker(tangle) { Stall.report(of: "live", paidBy: $0) }
    let bought = try await buy(broker, tangle, "--yes", "--username", "jane")
    #expect(bought.code == 0 && bought.output == "1.5\n", "\(bought)")
    #expect(bought.errors.contains("--wallet-login'"))
    let jane = try #require(try logins(broker).refusedLogins().first)
    #expect(jane.username == "jane")
    #expect(try logins(broker).logins().isEmpty)

    // That name is not paid for again, but by another name whoever buys is served.
    let again = try await buy(broker, tangle, "--yes", "--username", "jane")
    #expect(again.code == 6 && again.errors.contains("choose another"), "\(again)")
    #expect(await tangle.balance(of: stall.seller) == 500_000)
    let other = try await buy(broker, tangle, "--yes")
    #expect(other.code == 0, "\(other)")
    #expect(try logins(broker).refusedLogins().map(\.username).contains("jane"))
    #expect(try logins(broker).refusedLogins().count == 2)
    await tangle.stop()
  }

  @Test func `where another offer was bought, it is named, and how it is used`() async throws {
    let tangle = try await DevTangle.start()
    try await home.fund(tangle)
    let broker = try refusingBroker(tangle) { Stall.report(of: "other", paidBy: $0) }
    let bought = try await buy(broker, tangle, "--yes")
    #expect(bought.code == 6 && bought.output.isEmpty, "\(bought)")
    #expect(bought.errors.contains("bought 'other' instead: until 2030"), "\(bought.errors)")
    #expect(
      bought.errors.contains(
        "'paywall watch mqtt://127.0.0.1:\(broker.port) other --wallet-login'"))
    await tangle.stop()
  }

  @Test func `old time of the wallet's is not taken for what was paid now`() async throws {
    let tangle = try await DevTangle.start()
    try await home.fund(tangle)
    let old = "\(Digest(bytes: [UInt8](repeating: 7, count: 32)).map { "\($0)" } ?? "")"
    let broker = try refusingBroker(tangle) { _ in Stall.report(of: "live", paidBy: old) }
    let bought = try await buy(broker, tangle, "--yes", "--username", "jane")
    #expect(bought.code == 6 && bought.output.isEmpty, "\(bought)")
    #expect(bought.errors.contains("Nothing is lost"))
    #expect(bought.errors.contains("live --username jane'"))
    // The payment may count yet, for this login; but no other is to be made for it before.
    #expect(try logins(broker).logins().isEmpty)
    #expect(try logins(broker).refusedLogins().map(\.username) == ["jane"])
    await tangle.stop()
  }

  @Test func `who pays with another wallet is told once where the time may be`() async throws {
    let tangle = try await DevTangle.start()
    let (home, broker) = (
      home, try refusingBroker(tangle) { Stall.report(of: "live", paidBy: $0) }
    )
    let logins = logins(broker)
    try await onThread {
      let run = try home.start([
        "buy", "mqtt://127.0.0.1:\(broker.port)", "live", "--for", "1h", "--instructions",
        "--username", "jane",
      ])
      let hint = "Still waiting. If it is paid, and the login as jane stays refused"
      #expect(eventually { run.errors.contains(hint) }, "\(run.errors)")
      #expect(run.errors.contains("--wallet-login --wallet FILE' receives it"))
      #expect(try eventually { try logins.refusedLogins().map(\.username) == ["jane"] })
      #expect(!eventually(within: 3) { run.errors.matches(of: /Still waiting/).count > 1 })
      #expect(run.isRunning)
    }
    await tangle.stop()
  }

  @Test func `a code for a phone is of the first offer, and waits for no login of a name`()
    async throws
  {
    let tangle = try await DevTangle.start()
    let broker = try refusingBroker(tangle) { Stall.report(of: "live", paidBy: $0) }
    let url = "mqtt://127.0.0.1:\(broker.port)"
    let shown = try await home.paywall("buy", url, "live", "--for", "1h", "--qr")
    #expect(shown.code == 0 && shown.errors.contains("Address: \(stall.seller)"), "\(shown)")
    #expect(shown.errors.contains("Memo:    none"))
    #expect(shown.errors.contains("watch \(url) live --wallet-login --wallet FILE'"))
    #expect(shown.errors.contains("'paywall wallet sign-login 127.0.0.1 --wallet FILE'"))
    #expect(try logins(broker).logins().isEmpty)
    let other = try await home.paywall("buy", url, "other", "--for", "1h", "--qr")
    #expect(other.code == 6 && other.errors.contains("leave out --qr"), "\(other)")
    for more in [["--username", "jane"], ["--instructions"]] {
      let wrong = try await home.paywall(["buy", url, "live", "--for", "1h", "--qr"] + more)
      #expect(wrong.code == 64, "\(wrong)")
    }
    // Whoever has the phone's key waits as the phone's wallet.
    #expect(try await home.paywall("wallet", "new").code == 0)
    let waited = try await home.paywall(
      "buy", url, "live", "--for", "1h", "--qr", "--wallet-login", "--count", "1")
    #expect(waited.code == 0 && waited.output == "1.5\n", "\(waited)")
    await tangle.stop()
  }

  @Test func `without TLS a seller that is known may be paid on another machine`() async throws {
    let tangle = try await DevTangle.start()
    try await home.fund(tangle)
    let broker = try stall.broker(
      tangle, offers: try stall.offers(network: tangle.chainIdentifier))
    // This machine by an address that is not known to be loopback.
    let words = [
      "buy", "mqtt://0.0.0.0:\(broker.port)", "live", "--for", "1h", "--node", tangle.nodeURL,
      "--yes", "--count", "1",
    ]
    let unsafe = try await home.paywall(words)
    #expect(unsafe.code == 6 && unsafe.errors.contains("--seller"), "\(unsafe)")
    #expect(await tangle.balance(of: stall.seller) == 0)
    let bought = try await home.paywall(words + ["--seller", "\(stall.seller)"])
    #expect(bought.code == 0 && bought.output == "1.5\n", "\(bought)")
    #expect(await tangle.balance(of: stall.seller) == 500_000)
    await tangle.stop()
  }
}
