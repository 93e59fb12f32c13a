import DevTangle
import Foundation
import IOTACrypto
import Testing
import TestSupport

/// No password, key or token is ever written to the log.
@Suite(.onOwnThread)
struct SecrecyTests {
  private static let tokens = ["user-token", "password-token", "path-token", "query-token"]

  /// A node's URL with a secret wherever one can be.
  private static func secretURL(_ url: String) -> String {
    url.replacing("http://", with: "http://user-token:password-token@")
      + "/v1/path-token?apikey=query-token"
  }

  @Test func `the log of good and bad times has no secrets`() async throws {
    try await Shop.open(change: { $0.nodes = $0.nodes.map(Self.secretURL) }) { shop in
      let buyer = try await shop.buyer()
      let login = WalletLogin.password(
        key: buyer.key, realm: "plug.test", expiryS: nowMs() / 1000 + 600)
      let reader = try shop.client(
        .init(username: "\(buyer.address)", password: login, version: .v5))
      try reader.subscribe(to: "sensor/live")
      let wrong = try Client(
        port: shop.broker.port, .init(username: "\(buyer.address)", password: "9.wrong-token"))
      #expect(try wrong.connect() != 0)
      try shop.ledger.settled(try buyer.pay(1000))
      #expect(shop.broker.logs("'live' until"))
      // An outage is told once, but for a node that comes back from it in another network.
      for kind in [Fault.Kind.serverError, .malformed, .wrongNetwork] {
        let count = shop.broker.pluginLines.count
        try await shop.tangle.setFaults([Fault(kind)])
        #expect(eventually { shop.broker.pluginLines.count > count }, "\(kind)")
        guard kind == .serverError else { continue }
        try await shop.tangle.setFaults([])
        #expect(shop.broker.logs("answers again", withinS: 60))
      }
      await shop.tangle.goDown()
      shop.settings.price = "2 apples"
      try shop.configure()
      shop.broker.reload()
      #expect(shop.broker.logs("price"))
      let secret = try String(contentsOfFile: shop.broker.secretPath, encoding: .utf8)
      try shop.broker.stop()
      expectNoSecrets(
        shop.broker,
        Self.tokens + [
          "wrong-token", login, secret.trimmingCharacters(in: .whitespacesAndNewlines),
          buyer.key.exported,
        ])
    }
  }

  @Test(arguments: [
    ("[access]", "[access"), ("network = \"", "network = \"0badf00d\" # "),
    ("nodes = ", "nodez = "),
    ("nodes = [\"http://", "nodes = [\"ftp://"), ("nodes = [\"", "nodes = [7, \""),
    ("nodes = [", "nodes = [["), ("?apikey", "\\x ?apikey"),
  ])
  func `start errors have no secrets`(right: String, wrong: String) async throws {
    try await Shop.prepare(change: { $0.nodes = $0.nodes.map(Self.secretURL) }) { shop in
      let text = try String(contentsOfFile: shop.broker.configurationPath, encoding: .utf8)
      let range = try #require(text.range(of: right))
      try shop.broker.scratch.write(
        text.replacingCharacters(in: range, with: wrong), to: "paywall.toml")
      let (status, lines) = try shop.broker.refuseToStart()
      #expect(status != 0 && !lines.isEmpty)
      expectNoSecrets(shop.broker, Self.tokens)
    }
  }

  private func expectNoSecrets(_ broker: Mosquitto, _ secrets: [String]) {
    let log = broker.log
    let passwords = Mosquitto.brokerAccounts.map { Mosquitto.password(of: $0) }
    for secret in secrets + passwords {
      let line = log.split(separator: "\n").first { $0.contains(secret) }
      #expect(line == nil)
    }
  }
}
