import HTTP
import IOTACrypto
import PaywallCore
import TestSupport
import Testing

@testable import Tangle

/// Several nodes that have to agree, some of which lie, lag or fail.
@Suite(.serialized, .timeLimit(.minutes(3))) struct AgreementTests {
  let history: History
  let blocks: [JSONValue]
  let log = Log()
  let clock = HandClock()

  /// The place of what is lied about: a payment, or, where a failure is told as a success, a failure.
  static func place(of lie: Lie) -> Int { lie == .failureAsSuccess ? 4 : 6 }

  init() throws {
    let history = History(seller: try #require(Address("0x" + String(repeating: "5e", count: 32))))
    let key = PrivateKey()
    self.history = history
    blocks = (0..<12).map {
      var block = history.block(key, amount: 5, checkpoint: Int64($0) * 5, version: UInt64($0))
      if $0 == 4 { block["effects"]?["status"] = ["status": "failure", "error": "odd"] }
      return block
    }
  }

  private func digest(_ block: JSONValue) throws -> Digest {
    try #require(block["digest"]?.text.flatMap { Digest($0) })
  }

  /// What one honest node alone tells.
  private func truth() throws -> [Payment] {
    let recorder = Recorder()
    try recorder.read(source([FakeNode(blocks: blocks)], agree: 1))
    #expect(recorder.payments.count == blocks.count)
    return recorder.payments
  }

  private func source(_ nodes: [FakeNode], agree: Int) -> AgreeingSource {
    agreeing(nodes, agree: agree, seller: history.seller, clock, log)
  }

  /// Polls, now and after nodes had the time to be asked again.
  private func poll(_ recorder: Recorder, _ source: AgreeingSource) throws {
    for pause in [0, 0, 31, 0, 31, 61] {
      clock.advance(by: .seconds(pause))
      try recorder.read(source)
    }
  }

  @Test(arguments: Lie.allCases, 0..<3)
  func `one liar of three changes nothing where two have to agree`(
    lie: Lie, place: Int
  ) async throws {
    try await onThread {
      let truth = try truth()
      let nodes = try (0..<3).map { _ in try FakeNode(blocks: blocks) }
      nodes[place].update {
        $0.blocks = lie.told(of: blocks, at: Self.place(of: lie), history)
      }
      let recorder = Recorder()
      let source = source(nodes, agree: 2)
      try poll(recorder, source)
      #expect(recorder.payments.sorted(by: <) == truth)
      // Two know it then, of which one calls it final.
      #expect(recorder.pending.count <= (lie == .finalAsPending ? 1 : 0))
      #expect(recorder.violations == [])
      // Once, and only about the liar, and not where nobody asked it.
      #expect(log.all.count <= 1, "\(log.all)")
      #expect(log.all.allSatisfy { $0.contains(nodes[place].url) }, "\(log.all)")

      // A restarted broker, and whichever node is asked first, find the same.
      let restarted = self.source(nodes.reversed(), agree: 2)
      try poll(recorder, restarted)
      #expect(recorder.payments.sorted(by: <) == truth)
      #expect(recorder.violations == [])
    }
  }

  @Test(arguments: Lie.allCases, [2, 3])
  func `where all have to agree a liar holds up what it lies about, until it repents`(
    lie: Lie, count: Int
  ) async throws {
    try await onThread {
      let truth = try truth()
      let place = Self.place(of: lie)
      let nodes = try (0..<count).map { _ in try FakeNode(blocks: blocks) }
      nodes[0].update { $0.blocks = lie.told(of: blocks, at: place, history) }
      let recorder = Recorder()
      let source = source(nodes, agree: count)
      try poll(recorder, source)
      let open = lie.isInvention ? [] : [try digest(blocks[place])]
      #expect(recorder.payments.sorted(by: <) == truth.filter { !open.contains($0.digest) })
      #expect(recorder.payments.allSatisfy { $0.amount <= 5 })
      #expect(recorder.violations == [])
      // The position leads back to what is open.
      let bound: Int64 = lie == .inventedPending ? .max : lie.isInvention ? 30 : 5 * Int64(place)
      #expect(try #require(recorder.position.checkpoint) < bound)
      // Later payments count all the same.
      let later = history.block(PrivateKey(), amount: 5, checkpoint: 70)
      for node in nodes { node.update { $0.blocks.append(later) } }
      try recorder.read(source)
      #expect(recorder.digests.last == (try digest(later)))
      #expect(recorder.position.checkpoint.map { $0 < bound } == true)
      // Once, not at every poll.
      #expect(
        log.all.count { $0.contains(nodes[0].url) || $0.contains("alone") } <= 2, "\(log.all)")
      let lines = log.all.count

      for node in nodes { node.update { $0.blocks = blocks + [later] } }
      clock.advance(by: .seconds(3600))
      try recorder.read(source)
      #expect(recorder.payments.sorted(by: <).dropLast() == truth[...])
      #expect(recorder.violations == [])
      // A pending transaction that a node has told of is asked for until it is final.
      #expect(log.all.count == lines + (lie == .inventedPending ? 1 : 0), "\(log.all)")
    }
  }

  @Test func `what is open is found again after a restart, however long it takes`() async throws {
    try await onThread {
      let nodes = try (0..<2).map { _ in try FakeNode(blocks: blocks) }
      // So much later that no overlap covers it.
      let later = (0..<60).map {
        history.block(
          PrivateKey(), amount: 5, checkpoint: 100_000 + Int64($0) * 5000, version: UInt64($0))
      }
      nodes[1].update { $0.blocks = Array(blocks.dropLast()) + later }
      nodes[0].update { $0.blocks = blocks + later }
      let recorder = Recorder()
      try recorder.read(source(nodes, agree: 2))
      #expect(recorder.payments.count == 71)
      nodes[1].update { $0.blocks = blocks + later }
      try recorder.read(source(nodes, agree: 2))
      #expect(recorder.digests.last == (try digest(blocks[11])))
      #expect(recorder.payments.count == 72)
      // And without one, once the nodes are asked again.
      let other = Recorder()
      nodes[1].update { $0.blocks = Array(blocks.dropLast()) + later }
      let source = source(nodes, agree: 2)
      try other.read(source)
      nodes[1].update { $0.blocks = blocks + later }
      try other.read(source)
      #expect(other.payments.count == 71)
      clock.advance(by: .seconds(31))
      try other.read(source)
      #expect(other.payments.count == 72)
      #expect(other.violations == [])
    }
  }

  @Test(arguments: [0, 1])
  func `what one node cannot judge and the other does not show is found again after a restart`(
    place: Int
  ) async throws {
    try await onThread {
      let nodes = try (0..<2).map { _ in try FakeNode() }
      let later = (0..<60).map {
        history.block(
          PrivateKey(), amount: 5, checkpoint: 100_000 + Int64($0) * 5000, version: UInt64($0))
      }
      var pruned = blocks
      pruned[11]["balanceChanges"] = nil
      nodes[place].update { $0.blocks = pruned + later }
      nodes[1 - place].update { $0.blocks = Array(blocks.dropLast()) + later }
      let recorder = Recorder()
      try recorder.read(source(nodes, agree: 2))
      #expect(recorder.payments.count == 71)
      for node in nodes { node.update { $0.blocks = blocks + later } }
      try recorder.read(source(nodes, agree: 2))
      #expect(recorder.payments.count == 72)
      #expect(recorder.violations == [])
    }
  }

  @Test func `a node that lags is waited for, and another is asked meanwhile`() async throws {
    try await onThread {
      let nodes = try (0..<3).map { _ in try FakeNode(blocks: blocks) }
      nodes[0].update { $0.indexLag = 2 }
      let recorder = Recorder()
      let source = source(nodes, agree: 2)
      try recorder.read(source)
      #expect(recorder.payments.count == 12)
      #expect(!nodes[2].calls.isEmpty)
      nodes[2].update { $0.misbehave = { _, _ in .close } }
      let block = history.block(PrivateKey(), amount: 9, checkpoint: 80)
      for node in nodes[..<2] { node.update { $0.blocks.append(block) } }
      try recorder.read(source)
      #expect(recorder.payments.count == 12)
      #expect(recorder.position.checkpoint ?? 0 < 80)
      nodes[0].update { $0.indexLag = 0 }
      try recorder.read(source)
      #expect(recorder.payments.count == 13)
      #expect(log.all.filter { !$0.hasPrefix(nodes[2].url) } == [])
      #expect(recorder.violations == [])
    }
  }

  @Test func `no more nodes are asked than it takes`() async throws {
    try await onThread {
      for (count, agree, expected) in [(3, 2, 2), (2, 2, 2), (3, 3, 3), (5, 2, 4), (5, 3, 3)] {
        let nodes = try (0..<count).map { _ in try FakeNode(blocks: blocks) }
        let recorder = Recorder()
        let source = source(nodes, agree: agree)
        try recorder.read(source)
        try recorder.read(source)
        #expect(recorder.payments.count == 12)
        let asked = nodes.count { !$0.calls.isEmpty }
        #expect(asked == expected, "\(agree) of \(count)")
        // All is known: a look costs one request of each.
        let before = nodes.map(\.calls.count)
        clock.advance(by: .seconds(1))
        try recorder.read(source)
        #expect(zip(nodes, before).allSatisfy { $0.calls.count - $1 <= 1 })
        // One connection serves all of them.
        #expect(nodes.allSatisfy { $0.connectionCount <= 1 })
      }
    }
  }

  @Test func `in an outage nothing new counts, and that is said once`() async throws {
    try await onThread {
      let nodes = try (0..<3).map { _ in try FakeNode(blocks: blocks) }
      let recorder = Recorder()
      let source = source(nodes, agree: 2)
      try recorder.read(source)
      for node in nodes[1...] { node.update { $0.misbehave = { _, _ in .close } } }
      let block = history.block(PrivateKey(), amount: 9, checkpoint: 80)
      for node in nodes { node.update { $0.blocks.append(block) } }
      var reasons: Set<String> = []
      for _ in 1...5 {
        let error = #expect(throws: TangleError.self) { try recorder.read(source) }
        #expect(error?.code == .tooFewNodes)
        reasons.insert(error?.description ?? "")
        clock.advance(by: .seconds(61))
      }
      #expect(reasons.count == 1)
      let reason = try #require(reasons.first)
      #expect(reason.hasPrefix("no new payment counts: 2 nodes have to agree, and 1 of 3 answers"))
      #expect(reason.contains(nodes[1].url) && reason.contains(nodes[2].url))
      #expect(recorder.payments.count == 12)
      #expect(log.all.count == 2, "\(log.all)")
      // The first of them that comes back is enough.
      nodes[2].update { $0.misbehave = nil }
      clock.advance(by: .seconds(61))
      try recorder.read(source)
      #expect(recorder.payments.count == 13)
      #expect(log.all.count == 3 && log.all.last?.contains("answers again") == true, "\(log.all)")
      #expect(recorder.violations == [])
    }
  }

  @Test func `Retry-After is each node's own`() async throws {
    try await onThread {
      let nodes = try (0..<3).map { _ in try FakeNode(blocks: blocks) }
      nodes[0].update {
        $0.misbehave = { _, _ in
          .http(status: "429 Too Many Requests", headers: ["Retry-After: 30"], body: "")
        }
      }
      let recorder = Recorder()
      let source = source(nodes, agree: 2)
      for _ in 1...5 {
        try recorder.read(source)
        clock.advance(by: .seconds(5))
      }
      #expect(nodes[0].calls.count == 1)
      #expect(recorder.payments.count == 12)
      clock.advance(by: .seconds(6))
      nodes[0].update { $0.misbehave = nil }
      try recorder.read(source)
      #expect(nodes[0].calls.count > 1)
      // It is preferred again.
      let calls = nodes.map(\.calls.count)
      try recorder.read(source)
      #expect(zip(nodes, calls).map { $0.calls.count - $1 > 0 } == [true, true, false])
    }
  }

  @Test func `nodes of another network do not count`() async throws {
    try await onThread {
      let nodes = try (0..<3).map { _ in try FakeNode(blocks: blocks) }
      nodes[0].update { $0.network = "2304aa97" }
      let recorder = Recorder()
      let source = source(nodes, agree: 2)
      try recorder.read(source)
      #expect(recorder.payments.count == 12)
      nodes[1].update { $0.network = "2304aa97" }
      let restarted = self.source(nodes, agree: 2)
      #expect(throws: NetworkMismatch.self) { try recorder.read(restarted) }
      #expect(try source.networkIdentifier() == "6364aad5")
    }
  }

  @Test func `pending is what enough nodes know, and is said once`() async throws {
    try await onThread {
      let nodes = try (0..<2).map { _ in try FakeNode(blocks: blocks) }
      let recorder = Recorder()
      let source = source(nodes, agree: 2)
      try recorder.read(source)
      let signed = history.sign(PrivateKey(), pureInputs: [])
      let pending = history.block(signed, amount: 9, checkpoint: nil)
      let final = history.block(signed, amount: 9, checkpoint: 80)
      nodes[0].update { $0.blocks.append(pending) }
      try recorder.read(source)
      #expect(recorder.pending == [])
      nodes[0].update { $0.blocks[12] = final }
      try recorder.read(source)
      nodes[1].update { $0.blocks.append(pending) }
      for _ in 1...3 { try recorder.read(source) }
      #expect(recorder.pending.map(\.amount) == [9])
      #expect(recorder.payments.count == 12)
      nodes[1].update { $0.blocks[12] = final }
      for _ in 1...3 { try recorder.read(source) }
      #expect(recorder.pending.count == 1)
      #expect(recorder.payments.last?.amount == 9)
      #expect(recorder.violations == [] && log.all == [])
    }
  }

  @Test func `a page that cannot be recorded is handed over again`() async throws {
    try await onThread {
      let many = (0..<300).map {
        history.block(PrivateKey(), amount: 5, checkpoint: Int64($0), version: UInt64($0))
      }
      let nodes = try (0..<2).map { _ in try FakeNode(blocks: many) }
      let recorder = Recorder()
      let source = source(nodes, agree: 2)
      var crashes = 0
      while recorder.payments.count < 300 {
        do {
          try recorder.read(source, failingAtPage: 1 + crashes % 3)
        } catch is Recorder.Crash {
          crashes += 1
        }
      }
      #expect(crashes > 3)
      try recorder.read(source)
      #expect(recorder.payments.count == 300)
      #expect(recorder.position.checkpoint == 299)
      #expect(recorder.violations == [])
    }
  }

  @Test func `names nodes without their secrets, and tells them apart`() async throws {
    try await onThread {
      let nodes = try [blocks, Array(blocks.dropFirst())].map { try FakeNode(blocks: $0) }
      let source = AgreeingSource(
        nodes: ["alice", "bob"].map { NodeAddress(url: "https://node.example/\($0)-has-a-key") },
        agree: 2, warn: { [log] in log.append($0) }, now: { [clock] in clock.now }
      ) { address, warn in
        // The fake nodes are elsewhere.
        let node = address.url.contains("alice") ? nodes[0] : nodes[1]
        return RebasedSource(
          .jsonRPC, nodes: [NodeAddress(url: node.url)], network: nil, address: history.seller,
          warn: warn)
      }
      try poll(Recorder(), source)
      let line = try #require(log.all.first)
      #expect(line.contains("told by https://node.example/… (node 1) alone"), "\(line)")
      #expect(!log.all.joined().contains("key"))
    }
  }

  @Test func `tells the time of each node under its place`() async throws {
    try await onThread {
      let nodes = try (0..<3).map { _ in try FakeNode() }
      nodes[0].update { $0.misbehave = { _, _ in .close } }
      let source = source(nodes, agree: 2)
      #expect(try source.latestCheckpoint().node == 1)
      var others: [Int] = []
      try source.forEachLatestCheckpoint(besides: 1) { others.append($0.node) }
      #expect(others == [2])
      source.cancel()
      #expect(throws: TangleError.cancelled) { try source.latestCheckpoint() }
      #expect(throws: TangleError.cancelled) { try Recorder().read(source) }
    }
  }
}

/// A source that asks fake nodes.
func agreeing(
  _ nodes: [FakeNode], agree: Int, seller: Address, _ clock: HandClock, _ log: Log = Log()
) -> AgreeingSource {
  AgreeingSource(
    nodes: nodes.map { NodeAddress(url: $0.url) }, agree: agree, warn: { log.append($0) },
    now: { clock.now }
  ) { node, warn in
    RebasedSource(
      .jsonRPC, nodes: [node], network: "6364aad5", address: seller, warn: warn, now: { clock.now },
      random: { 0.5 })
  }
}

extension Payment {
  /// The order in which a ledger counts them.
  static func < (first: Payment, second: Payment) -> Bool {
    (first.checkpoint?.sequence ?? 0, first.digest)
      < (second.checkpoint?.sequence ?? 0, second.digest)
  }
}
