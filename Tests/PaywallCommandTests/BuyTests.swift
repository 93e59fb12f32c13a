import DevTangle
import Foundation
import HTTP
import IOTACrypto
import PaywallCore
import Synchronization
import TestSupport
import Testing

/// The command as a buyer runs it, against a stand-in for the broker and a tangle in memory.
@Suite(.timeLimit(.minutes(2))) struct BuyTests {
  private let home: Home
  private let stall: Stall

  init() throws {
    home = try Home()
    stall = try Stall()
  }

  @Test func `a stranger buys, receives, and buys again with the saved login`() async throws {
    let tangle = try await DevTangle.start()
    try await home.fund(tangle)
    let broker = try stall.broker(
      tangle, offers: try stall.offers(network: tangle.chainIdentifier))
    let url = "mqtt://127.0.0.1:\(broker.port)"
    let node = tangle.nodeURL
    let asked = try await home.paywall("buy", url, "live", "--for", "1h", "--node", node)
    #expect(asked.code == 5)
    #expect(broker.state.withLock { $0.subscriptions.isEmpty })
    let bought = try await home.paywall(
      "buy", url, "live", "--for", "1h", "--node", node, "--yes", "--count", "2", "--json")
    #expect(bought.code == 0, "\(bought.errors)")
    // What it costs was shown before it was paid.
    for shown in [
      "Broker:  \(url) (not encrypted)", "Seller:  \(stall.seller)",
      "Offer:   live (sensor/live), 0.0005 IOTA per 1h",
      "Buys:    1h for 0.0005 IOTA", "Account: buyer:buyer-", "Gas:     0.00",
    ] {
      #expect(bought.errors.contains("\(shown)"), "\(shown): \(bought.errors)")
    }
    let costs = bought.errors.matches(of: /(?:Gas|Total): +[\d.]+ IOTA/).map { String($0.0) }
    #expect(costs.count == 2, "\(bought.errors)")
    let lines = bought.output.split(separator: "\n")
    #expect(lines.count == 2 && lines[0].contains(#""payload":"1.5""#))
    #expect(lines[1].contains(#""payload_base64":"/wA=""#))
    #expect(await tangle.balance(of: stall.seller) == 500_000)

    let file = home.loginsPath("127.0.0.1:\(broker.port)")
    let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
    #expect(mode == 0o600)
    let saved = try String(contentsOfFile: file, encoding: .utf8)
    let password = try #require(saved.firstMatch(of: /"password" : "([^"]+)"/)).1
    #expect(!bought.errors.contains(password))

    let again = try await home.paywall(
      "buy", url, "live", "--for", "2h", "--node", node, "--yes", "--count", "1", "--exec",
      "cat; echo \" $PAYWALL_TOPIC\"")
    #expect(again.code == 0 && again.output == "1.5 sensor/live\n", "\(again)")
    #expect(await tangle.balance(of: stall.seller) == 1_500_000)
    let stall = stall
    let claims = try await onThread { stall.claims(node) }
    #expect(claims.count == 2 && claims[0] == claims[1])
    #expect(claims.first??.offer == Array("live".utf8))
    #expect(try String(contentsOfFile: file, encoding: .utf8) == saved)

    let watched = try await home.paywall("watch", url, "live", "--count", "1", "-v")
    #expect(watched.code == 0 && watched.output == "sensor/live 1.5\n", "\(watched)")
    let account = try await home.paywall("account", url)
    #expect(account.code == 0 && account.output.contains(#""until":"2030-01-01"#))
    await tangle.stop()
  }

  @Test func `what looks wrong is not paid`() async throws {
    let tangle = try await DevTangle.start()
    try await home.fund(tangle)
    let network = tangle.chainIdentifier
    let node = tangle.nodeURL
    let small = Base64URL.encode([UInt8](repeating: 0, count: 32))
    typealias Change = (inout [String: JSONValue], inout [String: JSONValue]) -> Void
    let wrong: [(code: Int32, arguments: [String], key: String?, change: Change)] = [
      (6, ["--seller", "\(PrivateKey().address)"], nil, { _, _ in }),
      (6, [], small, { _, _ in }),
      (1, [], nil, { message, _ in message["network"] = "6364aad5" }),
      (1, [], nil, { message, _ in message["protocol"] = "stardust" }),
      (6, [], nil, { _, offer in offer["price_nanos"] = 0 }),
      (6, [], nil, { _, offer in offer["price_nanos"] = .number(1e30) }),
      (6, [], nil, { _, offer in offer["per_ms"] = -1 }),
      (6, [], nil, { _, offer in offer["minimum_ms"] = 7_200_000 }),
      (6, [], nil, { _, offer in offer["name"] = "\u{1B}[2J" }),
      (6, [], nil, { _, offer in offer["name"] = "li\u{202E}ve" }),
      (6, [], nil, { message, _ in message["realm"] = "\u{1B}[2J" }),
      (6, ["--wallet-login"], nil, { message, _ in message["realm"] = "other.example" }),
    ]
    for (index, (code, arguments, key, change)) in wrong.enumerated() {
      let broker = try stall.broker(
        tangle, offers: stall.offers(network: network, change: change), key: key)
      let outcome = try await home.paywall(
        ["buy", "mqtt://127.0.0.1:\(broker.port)", "live", "--for", "1h", "--node", node, "--yes"]
          + arguments)
      #expect(outcome.code == code, "\(index): \(outcome.errors)")
      #expect(!outcome.errors.contains("\u{1B}") && !outcome.errors.contains("\u{202E}"))
    }
    let far = try await home.paywall("buy", "mqtt://198.51.100.1", "live", "--for", "1h", "--yes")
    #expect(far.code == 6 && far.errors.contains("--seller"))
    #expect(await tangle.balance(of: stall.seller) == 0)
    await tangle.stop()
  }
}
