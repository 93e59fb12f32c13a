import Foundation
import IOTACrypto
import PaywallCore
import Synchronization
import Testing

@testable import DevTangle

/// The tangle as its clients meet it, over HTTP.
struct DevTangleTests {
  private let peer = Peer()
  private let recipient = "0x9f8e5379678525edf768d7b507dc1ba9016fc4f0eac976ab7f74077d95fba312"

  private func withTangle(
    _ options: DevTangle.Options = manual, _ body: (DevTangle) async throws -> Void
  ) async throws {
    let tangle = try await DevTangle.start(options)
    do {
      try await body(tangle)
    } catch {
      await tangle.stop()
      throw error
    }
    await tangle.stop()
  }

  /// No checkpoints but those that a test makes.
  private static var manual: DevTangle.Options {
    var options = DevTangle.Options()
    options.checkpointMs = nil
    return options
  }

  @Test func `a node answers JSON-RPC`() async throws {
    try await withTangle { tangle in
      let answer = try await peer.call(tangle, "iota_getChainIdentifier")
      #expect(
        answer == ["jsonrpc": "2.0", "id": 7, "result": .string(tangle.chainIdentifier)])
      #expect(tangle.chainIdentifier.wholeMatch(of: /[0-9a-f]{8}/) != nil)
      let unknown = try await peer.call(tangle, "nothing")
      #expect(unknown["error"]?["code"] == -32601)
      #expect(try await peer.call(tangle, "iota_getCheckpoint", ["id": 1])["error"] != nil)
      for (body, code) in [
        ("", -32700), ("{", -32700), ("{}", -32600), ("[]", -32600), ("7", -32600),
        (String(repeating: "[", count: 100_000), -32700), (#"{"id":1.5}"#, -32700),
      ] as [(String, JSON)] {
        let answer = try await peer.send(tangle.nodeURL, body).json
        #expect(answer["error"]?["code"] == code)
      }
      let batch = #"[{"id":1,"method":"iotax_getReferenceGasPrice"},{"id":2,"method":"x"}]"#
      let answers = try #require(try await peer.send(tangle.nodeURL, batch).json.array)
      #expect(answers.map { $0["id"] } == [1, 2])
      #expect(answers[0]["result"] == "1000")
      #expect(try await peer.send(tangle.nodeURL).status == 405)
      let large = String(repeating: " ", count: 2 << 20)
      #expect(try await peer.send(tangle.nodeURL, large).status == 413)
    }
  }

  /// A regression: on a connection that was kept, each answer took 40 ms.
  @Test func `answers do not wait for the client's acknowledgement`() async throws {
    try await withTangle { tangle in
      let clock = ContinuousClock()
      var times: [Duration] = []
      for _ in 0..<40 {
        times.append(
          try await clock.measure { _ = try await peer.call(tangle, "iota_getChainIdentifier") })
      }
      // At first, clients acknowledge at once.
      #expect(try #require(times.suffix(15).min()) < .milliseconds(20))
    }
  }

  @Test func `a port is free again after the end, and the tangle is gone`() async throws {
    var options = Self.manual
    weak var gone: DevTangle?
    do {
      let tangle = try await DevTangle.start(options)
      gone = tangle
      options.port = try #require(URL(string: tangle.nodeURL)?.port.flatMap(UInt16.init))
      options.faucetPort = try #require(URL(string: tangle.faucetURL)?.port.flatMap(UInt16.init))
      _ = try await peer.call(tangle, "iota_getChainIdentifier")
      await tangle.stop()
    }
    #expect(gone == nil)
    try await withTangle(options) { tangle in
      let answer = try await peer.call(tangle, "iota_getChainIdentifier")
      #expect(answer["result"] == .string(tangle.chainIdentifier))
    }
  }

  @Test func `two tangles are two networks, and a port is used once`() async throws {
    try await withTangle { first in
      try await withTangle { second in
        #expect(first.chainIdentifier != second.chainIdentifier)
      }
      var options = Self.manual
      options.port = try #require(URL(string: first.nodeURL)?.port.flatMap(UInt16.init))
      let error = await #expect(throws: (any Error).self) { try await DevTangle.start(options) }
      #expect("\(try #require(error))".contains("the port is in use"))
    }
  }

  @Test func `the faucet sends coins in real transactions`() async throws {
    try await withTangle { tangle in
      let body = #"{"FixedAmountRequest":{"recipient":"\#(recipient)"}}"#
      let old = try await peer.send(tangle.faucetURL + "/gas", body).json
      #expect(old["error"] == .null)
      let sent = try #require(old["transferredGasObjects"]?.array)
      #expect(sent.map { $0["amount"] } == [JSON](repeating: 2_000_000_000, count: 5))
      let task = try #require(try await peer.send(tangle.faucetURL + "/v1/gas", body).json["task"])
      let status = try await peer.send(
        tangle.faucetURL + "/v1/status/" + (task.string ?? "")
      ).json
      #expect(status["status"]?["status"] == "SUCCEEDED")
      let coins = status["status"]?["transferred_gas_objects"]?["sent"]?.array
      #expect(coins?.count == 5)
      let balance = try await peer.call(tangle, "iotax_getBalance", [.string(recipient)])
      #expect(balance["result"]?["totalBalance"] == "20000000000")
      let digest = try #require(sent.first?["transferTxDigest"])
      let block = try await peer.call(tangle, "iota_getTransactionBlock", [digest])
      #expect(block["result"]?["digest"] == digest)
      #expect(try await peer.send(tangle.faucetURL).status == 200)
      #expect(try await peer.send(tangle.faucetURL + "/v1/status/x").status == 404)
      #expect(try await peer.send(tangle.faucetURL + "/gas", "{}").status == 400)
      #expect(try await peer.send(tangle.faucetURL + "/other").status == 404)
    }
  }

  @Test func `checkpoints come by themselves, also when nothing happens`() async throws {
    var options = Self.manual
    options.checkpointMs = 10
    try await withTangle(options) { tangle in
      let recipient = try #require(Address(recipient))
      let digest = try await tangle.fund(recipient)
      try await eventually {
        try await peer.call(tangle, "iota_getTransactionBlock", [.text(digest)])["result"]?[
          "checkpoint"] != nil
      }
      let latest = await tangle.latestCheckpoint
      try await eventually { await tangle.latestCheckpoint > latest + 2 }
      try await tangle.setFaults([Fault(.stuckCheckpoints)])
      let stuck = await tangle.latestCheckpoint
      try await tangle.fund(recipient)
      for _ in 0..<20 { _ = try await peer.call(tangle, "iota_getChainIdentifier") }
      #expect(await tangle.latestCheckpoint == stuck)
      try await tangle.setFaults([])
      try await eventually { await tangle.latestCheckpoint > stuck }
    }
  }

  @Test func `payments can be made without a request`() async throws {
    try await withTangle { tangle in
      let buyer = PrivateKey()
      let seller = try #require(Address(recipient))
      await #expect(throws: Refusal.self) { try await tangle.pay(500, to: seller, by: buyer) }
      try await tangle.fund(buyer.address)
      let digest = try await tangle.pay(500, to: seller, by: buyer, memo: Array("{}".utf8))
      #expect(await tangle.balance(of: seller) == 500)
      #expect(await tangle.balance(of: buyer.address) == 10_000_000_000 - 500 - 1_980_400)
      let block = try await peer.call(
        tangle, "iota_getTransactionBlock", [.text(digest), ["showInput": true]])
      let data = block["result"]?["transaction"]?["data"]
      #expect(data?["transaction"]?["inputs"]?.array?.last?["value"] == [123, 125])
      await #expect(throws: Refusal.self) {
        try await tangle.pay(50_000_000_000, to: seller, by: buyer)
      }
      #expect(await tangle.balance(of: seller) == 500)
    }
  }

  @Test func `the time can be given`() async throws {
    let now = Mutex(Int64(1_000))
    var options = Self.manual
    options.nowMs = { now.withLock { $0 } }
    try await withTangle(options) { tangle in
      now.withLock { $0 = 5_000 }
      await tangle.makeCheckpoint()
      let checkpoint = try await peer.call(tangle, "iota_getCheckpoint", ["1"])
      #expect(checkpoint["result"]?["timestampMs"] == "5000")
    }
  }

  /// Waits until the condition holds, for at most ten seconds.
  private func eventually(
    _ condition: () async throws -> Bool, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(10)
    while try await !condition() {
      guard clock.now < deadline else {
        Issue.record("The condition never held.", sourceLocation: sourceLocation)
        return
      }
      try await Task.sleep(for: .milliseconds(5))
    }
  }
}
