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
    _ protocol: TangleProtocol, behindMs: Int64 = 0, _ body: (Booth) async throws -> Void
  ) async throws {
    try await Booth.open(`protocol`, behindMs: behindMs) { booth in
      try booth.setUpBroker()
      for _ in 0..<3 { try await booth.pay(20_000_000, #"{"username":"johndoe"}"#) }
      try await booth.record()
      try await body(booth)
    }
  }

  @Test(arguments: TangleProtocol.allCases)
  func `a node that is down is told`(protocol: TangleProtocol) async throws {
    try await open(`protocol`) { booth in
      let free = booth.node
      let down = "http://127.0.0.1:1/"
      try booth.replace(#"nodes = ["\#(free)"]"#, with: #"nodes = ["\#(down)", "\#(free)"]"#)
      let checked = try await booth.check()
      #expect(checked.names == ["error node-reachable"] && checked.code == 1)
      #expect(try checked.line("node-reachable").about == down)
      #expect(try checked.line("agree").text.contains("1 of 2 nodes"))
      try booth.replace(#""\#(free)""#, with: #""http://127.0.0.1:2/""#)
      #expect(
        try await booth.check().names == [
          "error node-reachable", "error node-reachable", "error agree",
        ])
    }
  }

  @Test(arguments: TangleProtocol.allCases)
  func `a node of another network is told`(protocol: TangleProtocol) async throws {
    try await open(`protocol`) { booth in
      try await booth.setFaults(Fault(.wrongNetwork))
      let checked = try await booth.check()
      #expect(checked.names == ["error node-network", "error agree"] && checked.code == 1)
      #expect(try checked.line("node-network").text.contains("'\(booth.networkName)'"))
    }
  }

  @Test(arguments: TangleProtocol.allCases)
  func `a node that does not speak the protocol is told`(protocol: TangleProtocol) async throws {
    try await open(`protocol`) { booth in
      try await booth.setFaults(Fault(.malformed))
      #expect(try await booth.check().names == ["error node-reachable", "error agree"])
      let second = `protocol` == .stardust ? "milestone" : "checkpoint"
      let method = `protocol` == .rebasedJSONRPC ? "iota_getCheckpoint" : second
      try await booth.setFaults(Fault(.malformed, method: method))
      #expect(try await booth.check().names == ["error node-protocol", "error agree"])
    }
  }

  @Test(arguments: TangleProtocol.allCases)
  func `a clock that differs is told`(protocol: TangleProtocol) async throws {
    try await open(`protocol`, behindMs: 3_600_000) { booth in
      let behind = try await booth.check()
      #expect(behind.names == ["error clock"])
      let text = try behind.line("clock").text
      #expect(text.contains("ahead of") && text.contains("only node"), "\(text)")
      #expect(text.contains("60 min") || text.contains("59 min"), "\(text)")
    }
  }

  @Test func `a node that stands still beside others is told`() async throws {
    try await open(.rebasedJSONRPC) { booth in
      let relay = try RelayNode(to: booth.node)
      relay.lie(byMs: -400_000)
      try booth.replace(
        #"nodes = ["\#(booth.node)"]"#, with: #"nodes = ["\#(relay.url)", "\#(booth.node)"]"#)
      let stale = try await booth.check()
      #expect(stale.names == ["error node-time"])
      #expect(try stale.line("node-time").about == relay.url)
      relay.lie(byMs: -120_000)
      #expect(try await booth.check().names == ["warning node-lag"])
      relay.lie(byMs: 0)
      #expect(try await booth.check().names == [])
    }
  }

  @Test func `nodes that may not fail are told`() async throws {
    try await open(.rebasedJSONRPC) { booth in
      let relay = try RelayNode(to: booth.node)
      try booth.replace(
        #"nodes = ["\#(booth.node)"]"#,
        with: #"nodes = ["\#(relay.url)", "\#(booth.node)"]"# + "\nagree = 2")
      let checked = try await booth.check()
      #expect(checked.names == ["warning agree"] && checked.code == 0)
    }
  }

  @Test func `a node far away without TLS is told, and no key is shown`() async throws {
    try await open(.rebasedJSONRPC) { booth in
      // This machine under another name than its own.
      let port = try #require(booth.node.split(separator: ":").last)
      let url = "http://user:swordfish@0.0.0.0:\(port)/v1/0a1b2c3d4e5f60718293?apikey=swordfish"
      try booth.replace(booth.node, with: url)
      let outcome = try await booth.paywall("check")
      #expect(outcome.output.contains(#""check":"node-tls""#))
      #expect(outcome.output.contains(#""check":"configuration-mode""#))
      #expect(!outcome.output.contains("swordfish") && !outcome.output.contains("0a1b2c3d"))
    }
  }

  // MARK: - History

  @Test(arguments: [TangleProtocol.rebasedJSONRPC, .rebasedGraphQL])
  func `a node that has forgotten payments is told`(protocol: TangleProtocol) async throws {
    try await open(`protocol`, behindMs: 120_000) { booth in
      try await booth.setFaults(Fault(.pruned, value: 1))
      let first = try await booth.check()
      #expect(first.names == ["warning node-history"] && first.code == 0)
      try await booth.setFaults(Fault(.pruned, value: 0))
      let last = try await booth.check()
      #expect(last.names == ["error node-history"] && last.code == 1)
    }
  }

  @Test func `a Stardust node that has forgotten milestones is told`() async throws {
    try await open(.stardust) { booth in
      try await booth.setFaults(Fault(.pruned, value: 1))
      let first = try await booth.check()
      #expect(first.names == ["warning node-history"])
      for _ in 0..<5 { await booth.makeCheckpoint() }
      let gap = try await booth.check()
      #expect(gap.names == ["error node-history"] && gap.code == 1)
    }
  }

  @Test func `a Stardust node that lags says so`() async throws {
    try await open(.stardust) { booth in
      try await booth.setFaults(Fault(.lagging, value: 1))
      let names = try await booth.check().names
      #expect(names.contains("warning node-health"))
    }
  }

  // MARK: - Payments that the ledger should have

  @Test(arguments: [TangleProtocol.rebasedJSONRPC, .rebasedGraphQL])
  func `payments that are not in the ledger are told`(protocol: TangleProtocol) async throws {
    try await open(`protocol`, behindMs: 100_000) { booth in
      try await booth.pay(20_000_000)
      booth.clock.set(behindMs: 0)
      await booth.makeCheckpoint()
      let running = try await booth.check()
      #expect(running.names == ["error unread"] && running.code == 1)
      try booth.sql("UPDATE meta SET value = value - 600000 WHERE key = 'alive_at'")
      let stopped = try await booth.check()
      #expect(stopped.names == ["warning broker", "warning unread"] && stopped.code == 0)
    }
  }

  @Test func `milestones that are not read are told`() async throws {
    try await open(.stardust, behindMs: 300_000) { booth in
      for _ in 0..<250 { await booth.makeCheckpoint() }
      booth.clock.set(behindMs: 0)
      await booth.makeCheckpoint()
      try booth.sql("UPDATE meta SET value = unixepoch() * 1000 WHERE key = 'alive_at'")
      let running = try await booth.check()
      #expect(running.names == ["error reading"])
      #expect(try running.line("reading").text.contains("251 milestones behind"))
      try booth.sql("UPDATE meta SET value = 0 WHERE key = 'alive_at'")
      #expect(try await booth.check().names == ["warning broker", "warning reading"])
    }
  }

  @Test func `a ledger of another address is told`() async throws {
    try await open(.rebasedJSONRPC) { booth in
      try booth.replace(booth.address, with: "0x" + String(repeating: "7", count: 64))
      #expect(try await booth.check().names == ["warning reading"])
    }
  }
}
