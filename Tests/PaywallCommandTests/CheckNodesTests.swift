import Configuration
import DevTangle
import Foundation
import PaywallCore
import TestSupport
import Testing

/// What `paywall check` says of the nodes, and of what they know and the ledger does not.
@Suite(.timeLimit(.minutes(5))) struct CheckNodesTests {
  typealias TangleProtocol = PaywallConfiguration.TangleProtocol

  /// Runs the body with a ledger that is well.
  private func open(
    _ protocol: TangleProtocol, behindMs: Int64 = 0, _ body: (Stall) async throws -> Void
  ) async throws {
    try await Stall.open(`protocol`, behindMs: behindMs) { stall in
      try stall.setUpBroker()
      for _ in 0..<3 { try await stall.pay(20_000_000, #"{"username":"johndoe"}"#) }
      try await stall.record()
      try await body(stall)
    }
  }

  @Test(arguments: TangleProtocol.allCases)
  func `a node that is down is told`(protocol: TangleProtocol) async throws {
    try await open(`protocol`) { stall in
      let free = stall.node
      let down = "http://127.0.0.1:1/"
      try stall.replace(#"nodes = ["\#(free)"]"#, with: #"nodes = ["\#(down)", "\#(free)"]"#)
      let checked = try await stall.check()
      #expect(checked.names == ["error node-reachable"] && checked.code == 1)
      #expect(try checked.line("node-reachable").about == down)
      #expect(try checked.line("agree").text.contains("1 of 2 nodes"))
      try stall.replace(#""\#(free)""#, with: #""http://127.0.0.1:2/""#)
      #expect(
        try await stall.check().names == [
          "error node-reachable", "error node-reachable", "error agree",
        ])
    }
  }

  @Test(arguments: TangleProtocol.allCases)
  func `a node of another network is told`(protocol: TangleProtocol) async throws {
    try await open(`protocol`) { stall in
      try await stall.setFaults(Fault(.wrongNetwork))
      let checked = try await stall.check()
      #expect(checked.names == ["error node-network", "error agree"] && checked.code == 1)
      #expect(try checked.line("node-network").text.contains("'\(stall.networkName)'"))
    }
  }

  @Test(arguments: TangleProtocol.allCases)
  func `a node that does not speak the protocol is told`(protocol: TangleProtocol) async throws {
    try await open(`protocol`) { stall in
      try await stall.setFaults(Fault(.malformed))
      #expect(try await stall.check().names == ["error node-reachable", "error agree"])
      let second = `protocol` == .stardust ? "milestone" : "checkpoint"
      let method = `protocol` == .rebasedJSONRPC ? "iota_getCheckpoint" : second
      try await stall.setFaults(Fault(.malformed, method: method))
      #expect(try await stall.check().names == ["error node-protocol", "error agree"])
    }
  }

  @Test(arguments: TangleProtocol.allCases)
  func `a clock that differs is told`(protocol: TangleProtocol) async throws {
    try await open(`protocol`, behindMs: 3_600_000) { stall in
      let behind = try await stall.check()
      #expect(behind.names == ["error clock"])
      let text = try behind.line("clock").text
      #expect(text.contains("ahead of") && text.contains("only node"), "\(text)")
      #expect(text.contains("60 min") || text.contains("59 min"), "\(text)")
    }
  }

  @Test func `a node that stands still beside others is told`() async throws {
    try await open(.rebasedJSONRPC) { stall in
      let relay = try RelayNode(to: stall.node)
      relay.lie(byMs: -400_000)
      try stall.replace(
        #"nodes = ["\#(stall.node)"]"#, with: #"nodes = ["\#(relay.url)", "\#(stall.node)"]"#)
      let stale = try await stall.check()
      #expect(stale.names == ["error node-time"])
      #expect(try stale.line("node-time").about == relay.url)
      relay.lie(byMs: -120_000)
      #expect(try await stall.check().names == ["warning node-lag"])
      relay.lie(byMs: 0)
      #expect(try await stall.check().names == [])
    }
  }

  @Test func `nodes that may not fail are told`() async throws {
    try await open(.rebasedJSONRPC) { stall in
      let relay = try RelayNode(to: stall.node)
      try stall.replace(
        #"nodes = ["\#(stall.node)"]"#,
        with: #"nodes = ["\#(relay.url)", "\#(stall.node)"]"# + "\nagree = 2")
      let checked = try await stall.check()
      #expect(checked.names == ["warning agree"] && checked.code == 0)
    }
  }

  @Test func `a node far away without TLS is told, and no key is shown`() async throws {
    try await open(.rebasedJSONRPC) { stall in
      // This machine under another name than its own.
      let port = try #require(stall.node.split(separator: ":").last)
      let url = "http://user:swordfish@0.0.0.0:\(port)/v1/0a1b2c3d4e5f60718293?apikey=swordfish"
      try stall.replace(stall.node, with: url)
      let outcome = try await stall.paywall("check")
      #expect(outcome.output.contains(#""check":"node-tls""#))
      #expect(outcome.output.contains(#""check":"configuration-mode""#))
      #expect(!outcome.output.contains("swordfish") && !outcome.output.contains("0a1b2c3d"))
    }
  }

  // MARK: - History

  @Test(arguments: [TangleProtocol.rebasedJSONRPC, .rebasedGraphQL])
  func `a node that has forgotten payments is told`(protocol: TangleProtocol) async throws {
    try await open(`protocol`, behindMs: 120_000) { stall in
      try await stall.setFaults(Fault(.pruned, value: 1))
      let first = try await stall.check()
      #expect(first.names == ["warning node-history"] && first.code == 0)
      try await stall.setFaults(Fault(.pruned, value: 0))
      let last = try await stall.check()
      #expect(last.names == ["error node-history"] && last.code == 1)
    }
  }

  @Test func `a Stardust node that has forgotten milestones is told`() async throws {
    try await open(.stardust) { stall in
      try await stall.setFaults(Fault(.pruned, value: 1))
      let first = try await stall.check()
      #expect(first.names == ["warning node-history"])
      for _ in 0..<5 { await stall.makeCheckpoint() }
      let gap = try await stall.check()
      #expect(gap.names == ["error node-history"] && gap.code == 1)
    }
  }

  @Test func `a Stardust node that lags says so`() async throws {
    try await open(.stardust) { stall in
      try await stall.setFaults(Fault(.lagging, value: 1))
      let names = try await stall.check().names
      #expect(names.contains("warning node-health"))
    }
  }

  // MARK: - Payments that the ledger should have

  @Test(arguments: [TangleProtocol.rebasedJSONRPC, .rebasedGraphQL])
  func `payments that are not in the ledger are told`(protocol: TangleProtocol) async throws {
    try await open(`protocol`, behindMs: 100_000) { stall in
      try await stall.pay(20_000_000)
      stall.clock.set(behindMs: 0)
      await stall.makeCheckpoint()
      let running = try await stall.check()
      #expect(running.names == ["error unread"] && running.code == 1)
      try stall.sql("UPDATE meta SET value = value - 600000 WHERE key = 'alive_at'")
      let stopped = try await stall.check()
      #expect(stopped.names == ["warning broker", "warning unread"] && stopped.code == 0)
    }
  }

  @Test func `milestones that are not read are told`() async throws {
    try await open(.stardust, behindMs: 300_000) { stall in
      for _ in 0..<250 { await stall.makeCheckpoint() }
      stall.clock.set(behindMs: 0)
      await stall.makeCheckpoint()
      try stall.sql("UPDATE meta SET value = unixepoch() * 1000 WHERE key = 'alive_at'")
      let running = try await stall.check()
      #expect(running.names == ["error reading"])
      #expect(try running.line("reading").text.contains("251 milestones behind"))
      try stall.sql("UPDATE meta SET value = 0 WHERE key = 'alive_at'")
      #expect(try await stall.check().names == ["warning broker", "warning reading"])
    }
  }

  @Test func `a ledger of another address is told`() async throws {
    try await open(.rebasedJSONRPC) { stall in
      try stall.replace(stall.address, with: "0x" + String(repeating: "7", count: 64))
      #expect(try await stall.check().names == ["warning reading"])
    }
  }
}
