import Foundation
import HTTP
import IOTACrypto
import PaywallCore
import Synchronization
import TestSupport
import Testing

@testable import Tangle

@Suite(.timeLimit(.minutes(2))) struct NodePoolTests {
  let history: History
  let blocks: [JSONValue]
  let log = Log()
  let clock = HandClock()

  init() throws {
    let seller = try #require(Address("0x" + String(repeating: "5e", count: 32)))
    let history = History(seller: seller)
    let key = PrivateKey()
    self.history = history
    blocks = (0..<120).map {
      history.block(key, amount: 1, checkpoint: Int64($0), version: UInt64($0))
    }
  }

  @Test(
    arguments: [
      FakeNode.Reply.http(status: "500 Internal Server Error", body: "oops"),
      .http(status: "404 Not Found", body: ""), .http(status: "200 OK", body: "<html></html>"),
      .http(status: "200 OK", body: String(repeating: "[", count: 100_000)),
      .http(status: "200 OK", body: #"{"jsonrpc":"2.0","id":1,"result":{"data":7}}"#),
      .http(status: "302 Found", headers: ["Location: http://127.0.0.1:1/"], body: ""),
      .error(["code": -32600, "message": "unsupported feature: Required indexes are not available"]
      ),
      .error(["code": -32050, "message": "Transient error"]),
      .error(["code": "odd"]), .error(7), .result("odd"), .result(nil), .close,
    ], API.allCases)
  func `fails over, and comes back`(reply: FakeNode.Reply, api: API) throws {
    let first = try FakeNode(blocks: blocks)
    let second = try FakeNode(blocks: blocks)
    first.update { $0.misbehave = { _, _ in reply } }
    let source = source(api, [first, second])
    let recorder = Recorder()
    try recorder.read(source)
    #expect(recorder.payments.count == 120)
    #expect(recorder.position.checkpoint == 119)
    #expect(log.all.count == 1)
    #expect(log.all.first?.hasPrefix(first.url) == true)

    // While it rests it is not asked; then it is, and is preferred again.
    first.update { $0.misbehave = nil }
    let asked = first.calls.count
    try recorder.read(source)
    #expect(first.calls.count == asked)
    clock.advance(by: .seconds(61))
    let askedSecond = second.calls.count
    try recorder.read(source)
    #expect(first.calls.count > asked)
    #expect(second.calls.count == askedSecond)
    #expect(recorder.violations == [])
  }

  @Test(arguments: API.allCases) func `fails over in the middle of reading`(api: API) throws {
    for failAt in 1..<12 {
      let first = try FakeNode(blocks: blocks)
      let second = try FakeNode(blocks: blocks)
      let calls = Mutex(0)
      first.update {
        $0.misbehave = { _, _ in
          calls.withLock {
            $0 += 1
            return $0 >= failAt ? .close : nil
          }
        }
      }
      let recorder = Recorder()
      try recorder.read(source(api, [first, second]))
      #expect(recorder.payments.count == 120)
      #expect(recorder.violations == [])
    }
  }

  @Test(arguments: API.allCases)
  func `refuses a node of another network, and reads from the others`(api: API) throws {
    let foreign = try FakeNode(blocks: blocks)
    foreign.update { $0.network = "2304aa97" }
    let alone = source(api, [foreign])
    let recorder = Recorder()
    let error = #expect(throws: NetworkMismatch.self) { try recorder.read(alone) }
    #expect(error?.found == "2304aa97")
    #expect(error?.description.contains("'6364aad5'") == true)
    let again = source(api, [foreign])
    #expect(throws: NetworkMismatch.self) { try again.networkIdentifier() }
    #expect(recorder.payments.isEmpty)
    try recorder.read(source(api, [foreign, FakeNode(blocks: blocks)]))
    #expect(recorder.payments.count == 120)
    #expect(Set(foreign.calls) == ["iota_getChainIdentifier"])
  }

  @Test(arguments: API.allCases) func `notices another network behind the same URL`(api: API) throws
  {
    let node = try FakeNode(blocks: blocks)
    let source = source(api, [node])
    let recorder = Recorder()
    try recorder.read(source)
    // After a failure …
    node.update { $0.misbehave = { _, _ in .close } }
    #expect(throws: TangleError.self) { try recorder.read(source) }
    node.update {
      $0.misbehave = nil
      $0.network = "daf90477"
    }
    clock.advance(by: .seconds(2))
    #expect(throws: NetworkMismatch.self) { try recorder.read(source) }
    // … and, within ten minutes, without one.
    node.update { $0.network = "6364aad5" }
    clock.advance(by: .seconds(120))
    try recorder.read(source)
    node.update { $0.network = "daf90477" }
    clock.advance(by: .seconds(600))
    #expect(throws: NetworkMismatch.self) { try recorder.read(source) }
  }

  @Test(arguments: API.allCases)
  func `waits as long as a node asks for, and longer with each failure`(api: API) throws {
    let node = try FakeNode()
    node.update {
      $0.misbehave = { _, _ in
        .http(status: "429 Too Many Requests", headers: ["Retry-After: 30"], body: "Slow down")
      }
    }
    let source = source(api, [node], random: 1)
    let recorder = Recorder()
    let limited = #expect(throws: TangleError.self) { try recorder.read(source) }
    #expect(limited?.retryAfterMs == 30_000)
    #expect(limited?.description.contains("429") == true)
    // Asked too early, it is left alone.
    let asked = node.calls.count
    clock.advance(by: .seconds(29))
    #expect(throws: TangleError.self) { try recorder.read(source) }
    #expect(node.calls.count == asked)
    node.update { $0.misbehave = { _, _ in .close } }
    var pauses: [Int64] = []
    for _ in 0..<10 {
      clock.advance(by: .seconds(300))
      pauses.append(
        #expect(throws: TangleError.self) { try recorder.read(source) }?.retryAfterMs ?? 0)
    }
    #expect(pauses == [2, 4, 8, 16, 32, 60, 60, 60, 60, 60].map { $0 * 1000 })
    #expect(log.all.count == 1)  // one outage, one warning
    node.update { $0.misbehave = nil }
    clock.advance(by: .seconds(300))
    try recorder.read(source)
    #expect(log.all.last?.contains("answers again") == true)
  }

  @Test func `jitter keeps a pause between its half and its whole`() {
    for failures in [-1, 0, 1, 5, 9, 10, 63, 64, .max] {
      let whole = Backoff.pause(failures: failures, random: 1)
      #expect(Backoff.pause(failures: failures, random: 0) == whole / 2)
      #expect((.seconds(1)...(.seconds(60))).contains(whole))
    }
  }

  @Test(arguments: API.allCases) func `names each node without its secrets when none answers`(
    api: API
  ) throws {
    let key = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
    let port = try LoopbackServer.deafPort()
    let source = RebasedSource(
      api,
      nodes: [
        NodeAddress(url: "http://me:hunter2@127.0.0.1:\(port)/\(key)"),
        NodeAddress(url: "http://127.0.0.1:\(port)/rpc?key=\(key)", headers: ["X-Key": key]),
      ],
      network: nil, address: history.seller)
    let error = #expect(throws: TangleError.self) { try source.latestCheckpoint() }
    #expect(error?.reasons.count == 2)
    #expect(error?.description.contains("127.0.0.1:\(port)/…") == true)
    #expect(error?.description.contains("127.0.0.1:\(port)/…") == true)
    #expect(error?.description.contains(key) == false)
    #expect(error?.description.contains("hunter2") == false)
  }

  @Test(arguments: API.allCases) func `is cancelled while a node keeps it waiting`(api: API) throws
  {
    let isWaiting = DispatchSemaphore(value: 0)
    let server = try LoopbackServer {
      _ = $0.readRequest()
      isWaiting.signal()
      $0.waitForClose()
    }
    let source = RebasedSource(
      api, nodes: [NodeAddress(url: server.url())], network: nil, address: history.seller)
    Thread.detachNewThread {
      isWaiting.wait()
      source.cancel()
    }
    let recorder = Recorder()
    let start = ContinuousClock.now
    let error = #expect(throws: TangleError.self) { try recorder.read(source) }
    #expect(error?.code == .cancelled)
    #expect(ContinuousClock.now - start < .seconds(5))
    #expect(throws: TangleError.cancelled) { try source.networkIdentifier() }
  }

  @Test(arguments: API.allCases)
  func `asks the other nodes for the time, and passes over those that fail`(api: API) throws {
    let nodes = try (0..<4).map { _ in try FakeNode() }
    nodes[0].update { $0.misbehave = { _, _ in .close } }
    nodes[2].update { $0.network = "2304aa97" }
    let source = source(api, nodes)
    let first = try source.latestCheckpoint()
    #expect(first.node == 1)
    var others: [Int] = []
    clock.advance(by: .seconds(2))
    try source.forEachLatestCheckpoint(besides: 1) { answer in
      others.append(answer.node)
      #expect(answer.checkpoint == first.checkpoint)
    }
    #expect(others == [3])
    // Those that have failed rest; the first of all is asked again afterwards.
    nodes[0].update { $0.misbehave = nil }
    clock.advance(by: .seconds(5))
    #expect(try source.latestCheckpoint().node == 0)
  }

  @Test(arguments: API.allCases)
  func `a call that its owner ends is no fault of the node's, and loses nothing`(api: API) throws {
    let server = try LoopbackServer {
      _ = $0.readRequest()
      $0.waitForClose()
    }
    let node = try FakeNode(blocks: blocks)
    let goesOn = Mutex(true)
    let source = RebasedSource(
      api, nodes: [server.url(), node.url].map { NodeAddress(url: $0) }, network: "6364aad5",
      address: history.seller, warn: { [log] in log.append($0) },
      goesOn: { goesOn.withLock { $0 } }, now: { [clock] in clock.now })
    goesOn.withLock { $0 = false }
    let recorder = Recorder()
    let error = #expect(throws: TangleError.self) { try recorder.read(source) }
    #expect(error?.code == .cancelled)
    #expect(throws: TangleError.cancelled) { try source.latestCheckpoint() }
    #expect(throws: TangleError.cancelled) {
      try source.forEachLatestCheckpoint(besides: 1) { _ in }
    }
    #expect(log.all.isEmpty)
    // A reading that is ended again and again still gets everything, once.
    let patience = Mutex(0)
    let impatient = RebasedSource(
      api, nodes: [NodeAddress(url: node.url)], network: "6364aad5", address: history.seller,
      goesOn: {
        patience.withLock {
          $0 -= 1
          return $0 > 0
        }
      }, now: { [clock] in clock.now })
    for turn in 1...1000 {
      patience.withLock { $0 = turn }
      do {
        try recorder.read(impatient)
        break
      } catch let error as TangleError {
        #expect(error.code == .cancelled)
      }
    }
    #expect(recorder.payments.count == 120)
    #expect(recorder.violations == [])
  }

  private func source(_ api: API, _ nodes: [FakeNode], random: Double = 0) -> RebasedSource {
    RebasedSource(
      api, nodes: nodes.map { NodeAddress(url: $0.url) }, network: "6364aad5",
      address: history.seller,
      warn: { [log] in log.append($0) }, now: { [clock] in clock.now }, random: { random })
  }
}
