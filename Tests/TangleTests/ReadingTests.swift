import HTTP
import IOTACrypto
import PaywallCore
import Synchronization
import TestSupport
import Testing

@testable import Tangle

@Suite(.timeLimit(.minutes(2))) struct ReadingTests {
  let vectors: Vectors
  let history: History
  let key = PrivateKey()
  let log = Log()
  let clock = HandClock()

  init() throws {
    vectors = try Vectors()
    history = History(seller: vectors.seller)
  }

  @Test(arguments: [1, 2, 4, 50], API.allCases)
  func `records the vectors once and in order`(size: Int, api: API) throws {
    let node = try FakeNode(blocks: vectors.cases.map(\.block))
    node.update { $0.pageSize = size }
    let source = source(api, [node])
    let recorder = Recorder()
    for _ in 0..<3 { try recorder.read(source) }
    // All but the one whose balance changes are pruned, which holds the position back.
    #expect(recorder.payments.count == 10)
    #expect(recorder.position.checkpoint == 200_000_071)
    #expect(recorder.violations == [])
    #expect(
      recorder.payments.filter { $0.rejection == nil }.map(\.amount).reduce(0, +) == 4_499_999 + 1)
    #expect(
      log.all.filter { $0.contains("Ek6nLWrFiZ5qbBHmYB3udGrnrCNpHHGanwp6gAqnZNnU") }.count == 1)

    // Another node can tell; the position goes on.
    var whole = vectors.cases.map(\.block)
    whole[10]["balanceChanges"] = vectors.cases[3].block["balanceChanges"]
    let other = try FakeNode(blocks: whole)
    let both = self.source(api, [node, other])
    try recorder.read(both)
    #expect(recorder.payments.count == 11)
    #expect(recorder.position.checkpoint == 200_000_080)
    #expect(recorder.violations == [])
  }

  @Test(arguments: API.allCases) func `a poll that finds nothing new costs one small request`(
    api: API
  ) throws {
    let node = try FakeNode(blocks: blocks(0..<300, every: 10))
    let source = source(api, [node])
    let recorder = Recorder()
    try recorder.read(source)
    #expect(recorder.payments.count == 300)
    let before = node.calls.count
    for _ in 0..<5 { try recorder.read(source) }
    #expect(node.calls.dropFirst(before) == ["iotax_queryTransactionBlocks"].repeated(5)[...])
    node.update { $0.blocks += blocks(300..<301, every: 10) }
    try recorder.read(source)
    // Money is not taken before the node has said again whose it is.
    #expect(
      node.calls.suffix(3) == [
        "iotax_queryTransactionBlocks", "iota_getChainIdentifier",
        "iota_multiGetTransactionBlocks",
      ])
    #expect(recorder.payments.count == 301)
  }

  @Test(arguments: API.allCases) func `a burst is listed again only until it has settled`(api: API)
    throws
  {
    let burst = (0..<300).map {
      history.block(key, amount: 1, checkpoint: 7, version: UInt64($0))
    }
    let node = try FakeNode(blocks: burst)
    let source = source(api, [node])
    let recorder = Recorder()
    try recorder.read(source)
    // One that was indexed late is found beside it.
    let late = history.block(key, amount: 1, checkpoint: 7, version: 300)
    node.update { $0.blocks.insert(late, at: 0) }
    try recorder.read(source)
    #expect(recorder.payments.count == 301)
    clock.advance(by: .seconds(31))
    let before = node.calls.count
    try recorder.read(source)
    #expect(node.calls.count == before + 1)
    #expect(recorder.violations == [])
  }

  @Test(arguments: [0, 1], API.allCases)
  func `an empty page ends the list, whatever its cursor`(index: Int, api: API) throws {
    let node = try FakeNode()
    let page = vectors.emptyPages[index]
    node.update { $0.misbehave = { method, _ in method.contains("query") ? .result(page) : nil } }
    let recorder = Recorder()
    try recorder.read(source(api, [node]))
    #expect(recorder.payments.isEmpty)
    #expect(log.all.isEmpty)
  }

  @Test(arguments: API.allCases) func `leaves out what is older than since, without reading it all`(
    api: API
  ) throws {
    let node = try FakeNode(blocks: blocks(0..<3000))
    let source = source(api, [node])
    let recorder = Recorder(sinceMs: History.timeMs(2960))
    for _ in 0..<3 { try recorder.read(source) }
    #expect(recorder.payments.map { $0.checkpoint?.sequence } == (2960..<3000).map { $0 })
    // Two pages, their ages, what was on them, and whether the network is still the same.
    #expect(node.calls.count < 13, "\(node.calls)")
  }

  @Test(arguments: API.allCases)
  func `hands over a pending payment once, and again when it is final`(api: API) throws {
    let node = try FakeNode()
    let pending = history.block(key, amount: 5, checkpoint: nil)
    node.update { $0.blocks = [pending] }
    let source = source(api, [node])
    let recorder = Recorder()
    for _ in 0..<3 { try recorder.read(source) }
    #expect(recorder.pending.map(\.amount) == [5])
    #expect(recorder.payments.isEmpty)
    #expect(recorder.position.checkpoint == nil)
    node.update { $0.blocks = [history.block(key, amount: 5, checkpoint: 9)] }
    for _ in 0..<3 { try recorder.read(source) }
    #expect(recorder.payments.map(\.amount) == [5])
    #expect(recorder.pending.count == 1)
    #expect(recorder.violations == [])
  }

  @Test(arguments: API.allCases) func `one bad digest does not hide the others`(api: API) throws {
    let node = try FakeNode(blocks: blocks(0..<60))
    let bad = blocks(0..<60)[17]["digest"] ?? .null
    node.update {
      $0.misbehave = { method, params in
        guard method == "iota_multiGetTransactionBlocks",
          params.first?.elements.contains(bad) == true
        else { return nil }
        return .error(["code": -32602, "message": "Could not find the referenced transaction"])
      }
    }
    let source = source(api, [node])
    let recorder = Recorder()
    try recorder.read(source)
    #expect(recorder.payments.count == 59)
    node.update { $0.misbehave = nil }
    try recorder.read(source)
    #expect(recorder.payments.count == 60)
    #expect(Set(recorder.digests).count == 60)
  }

  @Test(arguments: API.allCases)
  func `transactions that are too large together are fetched apart`(api: API) throws {
    let node = try FakeNode(blocks: blocks(0..<20))
    node.update {
      $0.misbehave = { method, params in
        guard method == "iota_multiGetTransactionBlocks",
          params.first?.elements.count ?? 0 > 3
        else { return nil }
        return .http(status: "200 OK", body: String(repeating: " ", count: 17 << 20))
      }
    }
    let source = source(api, [node])
    let recorder = Recorder()
    try recorder.read(source)
    #expect(recorder.payments.count == 20)
    #expect(recorder.violations == [] && log.all == [])
    // One alone that is too large is the node's failure.
    node.update {
      $0.blocks += blocks(20..<40)
      $0.misbehave = { method, _ in
        guard method == "iota_multiGetTransactionBlocks" else { return nil }
        return .http(status: "200 OK", body: String(repeating: " ", count: 17 << 20))
      }
    }
    let asked = node.calls.count
    #expect(throws: TangleError.self) { try recorder.read(source) }
    #expect(node.calls.count < asked + 12)
    #expect(log.all.count == 1)
  }

  @Test(arguments: API.allCases) func `malformed entries are retried and spoil nothing`(api: API)
    throws
  {
    let node = try FakeNode(blocks: blocks(0..<10))
    node.update { state in
      state.misbehave = { [blocks = state.blocks] method, _ in
        guard method == "iota_multiGetTransactionBlocks" else { return nil }
        var odd = blocks
        odd[3] = nil
        odd[5]["balanceChanges"] = ["what"]
        odd[7]["timestampMs"] = nil
        return .result(.array(odd + odd))
      }
    }
    let source = source(api, [node])
    let recorder = Recorder()
    try recorder.read(source)
    #expect(recorder.payments.count == 7)
    // One of them could be of any age, unless the listing tells ages.
    #expect(recorder.position.checkpoint == (api == .jsonRPC ? nil : 2))
    node.update { $0.misbehave = nil }
    try recorder.read(source)
    #expect(recorder.payments.count == 10)
    #expect(recorder.position.checkpoint == 9)
    #expect(Set(recorder.violations).isEmpty)
  }

  @Test(arguments: API.allCases)
  func `a list that loops or breaks off ends, and the next node completes it`(api: API) throws {
    let node = try FakeNode(blocks: blocks(0..<200))
    let firstPage = node.page(size: 50)
    node.update {
      $0.misbehave = { method, _ in method.hasSuffix("queryTransactionBlocks") ? firstPage : nil }
    }
    let source = source(api, [node])
    let recorder = Recorder()
    try recorder.read(source)
    #expect(recorder.payments.count == 50)
    #expect(recorder.position.checkpoint == nil)
    #expect(log.all.contains { $0.contains("repeats itself") })
    // A cursor that the node forgets has the same end.
    node.update {
      $0.misbehave = { method, params in
        guard method.hasSuffix("queryTransactionBlocks"), params[1] != .null else { return nil }
        return .error(["code": -32602, "message": "Could not find the referenced transaction [x]."])
      }
    }
    try recorder.read(source)
    #expect(recorder.payments.count == 50)
    #expect(recorder.position.checkpoint == nil)
    let other = try FakeNode(blocks: blocks(0..<200))
    let both = self.source(api, [node, other])
    try recorder.read(both)
    #expect(recorder.payments.count == 200)
    #expect(recorder.position.checkpoint == 149)  // of what this reading has covered
    other.update { $0.blocks += blocks(200..<201) }
    try recorder.read(both)
    #expect(recorder.position.checkpoint == 200)
    #expect(recorder.violations == [])
  }

  @Test(arguments: API.allCases)
  func `a broken answer is asked for once more, an absent cursor is made up`(api: API) throws {
    let node = try FakeNode(blocks: blocks(0..<400))
    let calls = Mutex(0)
    node.update { state in
      state.misbehave = { [state] method, params in
        let isOdd = calls.withLock { count in
          count += 1
          return count.isMultiple(of: 2)
        }
        guard isOdd else { return .close }
        guard method.hasSuffix("queryTransactionBlocks"),
          case .result(var page) = state.answer(method, params)
        else { return nil }
        page["nextCursor"] = .null
        return .result(page)
      }
    }
    // The first question, for the network, is not repeated.
    calls.withLock { $0 = 1 }
    let recorder = Recorder()
    try recorder.read(source(api, [node]))
    #expect(recorder.payments.count == 400)
    #expect(recorder.position.checkpoint == 399)
    #expect(log.all == [])
  }

  @Test(arguments: API.allCases) func `a long list goes on where a node's limit interrupted it`(
    api: API
  ) throws {
    let node = try FakeNode(blocks: blocks(0..<3000))
    let calls = Mutex(0)
    node.update {
      $0.misbehave = { _, _ in
        calls.withLock { count in
          count += 1
          guard count.isMultiple(of: 20) else { return nil }
          return .http(status: "429 Too Many Requests", headers: ["Retry-After: 5"], body: "")
        }
      }
    }
    let source = source(api, [node])
    // The more there is to read, the longer the pages.
    let recorder = Recorder(longestPage: 150)
    var rests = 0
    while recorder.payments.count < 3000, rests < 40 {
      do {
        try recorder.read(source)
      } catch let error as TangleError {
        #expect((4001...5000).contains(error.retryAfterMs), "rest \(rests)")
        rests += 1
        clock.advance(by: .seconds(5))
      }
    }
    // 67 pages, 9 times ages (over JSON-RPC) and 60 times bodies, and some of it twice.
    #expect((6...10).contains(rests), "\(rests) rests")
    #expect(recorder.payments.map { $0.checkpoint?.sequence } == (0..<3000).map { $0 })
    #expect(recorder.violations == [])
  }

  @Test(arguments: API.allCases) func `orders that differ behind one URL hide nothing`(api: API)
    throws
  {
    let inOrder = blocks(0..<500)
    let node = try FakeNode(blocks: inOrder)
    // Each request is answered by one of two nodes, whose orders differ by up to four places.
    var other = inOrder
    for start in stride(from: 0, to: 500, by: 5) { other[start..<start + 5].reverse() }
    let calls = Mutex(0)
    node.update { state in
      var second = state
      second.blocks = other
      state.misbehave = { [second] method, params in
        let isOdd = calls.withLock { count in
          count += 1
          return count.isMultiple(of: 2)
        }
        return isOdd ? second.answer(method, params) : nil
      }
    }
    let recorder = Recorder()
    try recorder.read(source(api, [node]))
    #expect(recorder.payments.map { $0.checkpoint?.sequence } == (0..<500).map { $0 })
  }

  @Test(arguments: API.allCases)
  func `a pending payment that becomes final does not hide older ones`(api: API) throws {
    let node = try FakeNode()
    let pending = history.block(key, amount: 5, checkpoint: nil, version: 99_999)
    node.update { $0.blocks = [pending] }
    let source = source(api, [node])
    let recorder = Recorder()
    try recorder.read(source)
    // It is final now; while the history before it, which was not indexed yet, is read, the node
    // fails.
    let calls = Mutex(0)
    node.update {
      $0.blocks =
        blocks(0..<100) + [history.block(key, amount: 5, checkpoint: 90_000, version: 99_999)]
      $0.misbehave = { method, _ in
        guard method == "iota_multiGetTransactionBlocks" else { return nil }
        return calls.withLock { count in
          count += 1
          return count > 2 ? .http(status: "429 Too Many Requests", body: "") : nil
        }
      }
    }
    #expect(throws: TangleError.self) { try recorder.read(source) }
    node.update { $0.misbehave = nil }
    clock.advance(by: .seconds(2))
    try recorder.read(source)
    #expect(recorder.payments.count == 101)
    #expect(recorder.violations == [])
  }

  @Test(arguments: API.allCases)
  func `what a slow node tells is recorded every second`(api: API) throws {
    let node = try FakeNode(blocks: blocks(0..<3000))
    node.update {
      $0.misbehave = { _, _ in
        clock.advance(by: .milliseconds(600))
        return nil
      }
    }
    let recorder = Recorder(longestPage: 100)
    try recorder.read(source(api, [node]))
    #expect(recorder.payments.count == 3000)
    // But for those at the end, which were held back to be overtaken, pages of 100 instead of 150.
    #expect(recorder.pageSizes.prefix(25).allSatisfy { $0 <= 100 })
  }

  @Test(arguments: API.allCases) func `resumes where recording was interrupted`(api: API) throws {
    let node = try FakeNode(blocks: blocks(0..<1234))
    let recorder = Recorder(longestPage: 61)
    var crashes = 0
    while true {
      do {
        try recorder.read(source(api, [node]), failingAtPage: 4)
        break
      } catch is Recorder.Crash {
        crashes += 1
      }
    }
    #expect(crashes == 7)
    #expect(recorder.payments.map { $0.checkpoint?.sequence } == (0..<1234).map { $0 })
    #expect(recorder.violations == [])
  }

  @Test(arguments: API.allCases) func `tells the newest checkpoint and the network`(api: API) throws
  {
    let source = try source(api, [FakeNode()])
    #expect(try source.networkIdentifier() == "6364aad5")
    #expect(
      try source.latestCheckpoint().checkpoint
        == Checkpoint(sequence: 42, timeMs: 1_795_300_010_500))
  }

  @Test(arguments: API.allCases) func `reads a thousand payments in one checkpoint`(api: API) throws
  {
    let node = try FakeNode(
      blocks: (0..<1000).map {
        history.block(key, amount: 1, checkpoint: 7, version: UInt64($0))
      })
    let recorder = Recorder()
    try recorder.read(source(api, [node]))
    #expect(Set(recorder.digests).count == 1000)
    #expect(recorder.position.checkpoint == 7)
  }

  private func blocks(_ range: Range<Int>, every interval: Int = 1) -> [JSONValue] {
    range.map {
      history.block(
        key, amount: Int64($0) + 1, checkpoint: Int64($0 * interval), version: UInt64($0))
    }
  }

  private func source(_ api: API, _ nodes: [FakeNode]) -> RebasedSource {
    RebasedSource(
      api, nodes: nodes.map { NodeAddress(url: $0.url) }, network: "6364aad5",
      address: vectors.seller,
      warn: { [log] in log.append($0) }, now: { [clock] in clock.now })
  }
}

extension Array {
  fileprivate func repeated(_ count: Int) -> [Element] {
    (0..<count).flatMap { _ in self }
  }
}

extension FakeNode {
  fileprivate func page(size: Int) -> Reply {
    var reply = Reply.close
    update {
      $0.pageSize = size
      reply = $0.answer("iotax_queryTransactionBlocks", [nil, nil])
    }
    return reply
  }
}
