import CMosquittoPlugin
import DevTangle
import Foundation
import HTTP
import IOTACrypto
import PaywallCore
import TestSupport
import Testing

@testable import PaywallPlugin

/// What the log says of payments.
@Suite(.timeLimit(.minutes(2))) struct PaymentLineTests {
  private static func line(_ host: PluginHost, _ digest: Digest) -> String? {
    var line: String?
    _ = eventually {
      host.tick()
      line = PluginHost.log(containing: "payment \(digest)").first { !$0.contains("pending") }
      return line != nil
    }
    return line
  }

  @Test func `a name that only a sealed memo holds is not in the log, one that is public is`()
    async throws
  {
    let market = try await Market()
    try await onThread {
      let host = try PluginHost(tangle: market.settings)
      #expect(host.start() == MOSQ_ERR_SUCCESS.rawValue)
      let client = PluginHost.Connection(id: "stranger", username: nil)
      _ = host.connect(client)
      _ = host.subscribe(client, to: SystemTopic.key)
      let told = try #require(host.awaitPublished(SystemTopic.key)).json
      guard case .string(let id)? = told["id"], case .string(let text)? = told["key"] else {
        throw POSIXError(.EINVAL)
      }
      let key = try #require(MemoKey(id: id, key: text))
      let claim = Array(#"{"username":"secretive","password":"s3cret"}"#.utf8)
      let sealed = try #require(key.seal(claim))

      let first = try market.pay(60_000, memo: #"{"sealed":"\#(sealed)"}"#)
      let said = try #require(Self.line(host, first))
      #expect(said.contains("of 0.00006 IOTA for a buyer: 'live' until "), "\(said)")
      #expect(PluginHost.log(containing: "secretive").isEmpty)
      // A box that is nobody's: the payer's address is public.
      let nobody = try market.pay(60_000, memo: #"{"sealed":"AAAA"}"#)
      #expect(try #require(Self.line(host, nobody)).contains("for \(market.buyer.address): "))
      let plain = try market.pay(60_000, memo: #"{"username":"buyer:secretive"}"#)
      #expect(try #require(Self.line(host, plain)).contains("for buyer:secretive: "))
      let broker = try market.pay(60_000, memo: #"{"username":"johndoe"}"#)
      #expect(try #require(Self.line(host, broker)).contains("for johndoe: "))
      #expect(host.stop() == MOSQ_ERR_SUCCESS.rawValue)
      _ = host.published()
    }
    await market.tangle.stop()
  }
}
