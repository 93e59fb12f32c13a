import CMosquittoPlugin
import DevTangle
import Foundation
import IOTACrypto
import PaywallCore
import TestSupport
import Testing

private let success = MOSQ_ERR_SUCCESS.rawValue

/// What stands behind a node's URL, while the broker runs.
@Suite(.timeLimit(.minutes(3))) struct NetworkTests {
  @Test(arguments: [true, false])
  func `payments of another network behind the same URL are not taken`(
    isKeptAlive: Bool
  ) async throws {
    let other = try await DevTangle.start(Market.fastOptions)
    let thief = PrivateKey()
    try await other.fund(thief.address)
    try await OddShop.open { shop in
      let first = try shop.pay(for: "janedoe")
      #expect(eventually { shop.isOpen(to: "janedoe") })
      try shop.node.relay(to: other.nodeURL)
      if !isKeptAlive {
        // As where the node itself was replaced.
        shop.node.misbehave { _ in false }
        #expect(eventually { shop.node.oddCount > 0 })
        shop.node.misbehave(nil)
      }
      let seller = shop.market.seller
      _ = try waiting {
        try await other.pay(
          3_600_000, to: seller, by: thief, memo: Array(#"{"username":"thief"}"#.utf8))
      }
      let line = "this node is of network '\(other.chainIdentifier)'"
      #expect(
        shop.eventually(reader: "janedoe", other: "thief") {
          shop.lines.contains { $0.contains(line) }
        })
      #expect(try shop.recorded() == ["\(first)"])
      let second = try shop.pay(for: "johndoe")
      try shop.node.relay(to: shop.market.tangle.nodeURL)
      #expect(
        shop.eventually(reader: "janedoe", other: "thief") { shop.isOpen(to: "johndoe") })
      #expect(try shop.recorded() == ["\(first)", "\(second)"].sorted())
      #expect(shop.lines.count { $0.contains(line) } == 1)
      #expect(shop.lines.count <= 4, "\(shop.lines)")
    }
    await other.stop()
  }

  /// The URL of a node whose TLS cannot be trusted, and what the log says.
  enum Distrusted: CaseIterable { case selfSigned, otherHost, noTLS }

  @Test(arguments: Distrusted.allCases)
  func `a node without trusted TLS is not asked`(_ distrusted: Distrusted) async throws {
    try await OddShop.open { shop in
      try shop.pay(for: "janedoe")
      #expect(eventually { shop.isOpen(to: "janedoe") })
      let path = shop.host.configurationPath
      let good = try String(contentsOfFile: path, encoding: .utf8)
      var server: TLSServer?
      let port: UInt16
      if distrusted == .noTLS {
        let plain = try LoopbackServer {
          $0.send("HTTP/1.1 400 Bad Request\r\n\r\n")
          $0.waitForClose()
        }
        port = plain.port
      } else {
        let name = distrusted == .selfSigned ? "IP:127.0.0.1" : "DNS:node.example"
        let secure = try TLSServer(in: shop.host.scratch, name: name)
        port = secure.port
        server = secure
      }
      try good.replacing("http://127.0.0.1:\(shop.node.port)/", with: "https://127.0.0.1:\(port)/")
        .write(toFile: path, atomically: true, encoding: .utf8)
      #expect(shop.host.reload() == success)
      try shop.pay(for: "johndoe")
      func lines() -> [String] {
        shop.host.tick()
        return PluginHost.log(containing: "https://127.0.0.1:\(port)/")
      }
      #expect(shop.eventually(reader: "janedoe", other: "johndoe") { !lines().isEmpty })
      #expect(lines().count == 1 && lines()[0].contains("no trusted TLS connection"), "\(lines())")
      #expect(!lines()[0].contains(OddShop.key))
      try good.write(toFile: path, atomically: true, encoding: .utf8)
      #expect(shop.host.reload() == success)
      #expect(eventually { shop.isOpen(to: "johndoe") })
      server?.stop()
    }
  }
}
