import IOTACrypto
import PaywallCore
import Testing

@testable import DevTangle

/// A node's methods, without HTTP.
struct NodeTests {
  private var world = World()
  private var digests: [Digest] = []

  /// Ten payments, two to a checkpoint.
  init() throws {
    for number in 1...10 {
      digests.append(try world.execute(world.payment(UInt64(number) * 1_000)).digest)
      world.nowMs += 100
      if number.isMultiple(of: 2) { world.chain.makeCheckpoint(nowMs: world.nowMs) }
    }
  }

  private var node: Node { Node(chain: world.chain) }

  private func call(_ node: Node, _ method: String, _ parameters: JSON...) throws(RPCError) -> JSON
  {
    var node = node
    return try node.call(method, Parameters(values: parameters), nowMs: world.nowMs)
  }

  private func query(
    _ node: Node, _ filter: JSON, cursor: JSON = nil, limit: JSON = nil, descending: JSON = nil,
    options: JSON = nil
  ) throws(RPCError) -> JSON {
    try call(
      node, "iotax_queryTransactionBlocks", ["filter": filter, "options": options], cursor, limit,
      descending)
  }

  private func listed(_ page: JSON) -> [Digest] {
    (page["data"]?.array ?? []).compactMap { $0["digest"]?.string.flatMap { Digest($0) } }
  }

  private var toSeller: JSON { ["ToAddress": .text(world.seller.address)] }

  @Test func `pages follow each other without gap or overlap`() throws {
    for limit in 1...11 {
      for descending in [false, true] {
        var found: [Digest] = []
        var cursor: JSON = nil
        var pages = 0
        while true {
          let page = try query(
            node, toSeller, cursor: cursor, limit: .int(Int64(limit)),
            descending: .bool(descending))
          found += listed(page)
          pages += 1
          cursor = try #require(page["nextCursor"])
          #expect(cursor == listed(page).last.map { .text($0) })
          if page["hasNextPage"] == false { break }
        }
        #expect(found == (descending ? digests.reversed() : digests))
        #expect(pages == (10 + limit - 1) / limit)
      }
    }
  }

  @Test func `an empty page names the cursor it was asked with`() throws {
    let last = JSON.text(try #require(digests.last))
    let page = try query(node, toSeller, cursor: last)
    #expect(page == ["data": [], "nextCursor": last, "hasNextPage": false])
    let nobody: JSON = ["ToAddress": "0xabc"]
    #expect(try query(node, nobody) == ["data": [], "nextCursor": nil, "hasNextPage": false])
  }

  @Test func `a limit of 0 or more than 50 is 50`() throws {
    var world = world
    for _ in 0..<50 { try world.execute(world.payment(1)) }
    for limit in [nil, 0, 51, .int(.max)] as [JSON] {
      let page = try query(Node(chain: world.chain), toSeller, limit: limit)
      #expect(listed(page).count == 50)
      #expect(page["hasNextPage"] == true)
    }
  }

  @Test func `an unknown cursor is an error`() throws {
    let unknown = Digest(world.seller.address.bytes32)
    let error = #expect(throws: RPCError.self) {
      try query(node, toSeller, cursor: .text(unknown))
    }
    #expect(error?.code == -32602)
    #expect(
      error?.message
        == "Could not find the referenced transaction [TransactionDigest(\(unknown))].")
  }

  @Test func `pruned transactions are gone, as lines and as cursors`() throws {
    var node = node
    node.unprunedCount = 3
    #expect(listed(try query(node, toSeller)) == Array(digests.suffix(3)))
    #expect(throws: RPCError.notFound(digests[0])) {
      try query(node, toSeller, cursor: .text(digests[0]))
    }
    #expect(throws: RPCError.notFound(digests[0])) {
      try call(node, "iota_getTransactionBlock", .text(digests[0]), nil)
    }
    #expect(listed(try query(node, toSeller, cursor: .text(digests[8]))) == [digests[9]])
  }

  @Test func `filters pick what they name`() throws {
    let coin = try #require(world.coins(of: world.buyer).first)
    let third = try #require(world.chain.transaction(digests[2])?.created.first)
    #expect(listed(try query(node, nil)) == digests)
    #expect(listed(try query(node, ["FromAddress": .text(world.buyer.address)])) == digests)
    #expect(listed(try query(node, ["FromAddress": .text(world.seller.address)])) == [])
    #expect(listed(try query(node, ["ToAddress": .text(world.buyer.address)])) == digests)
    #expect(listed(try query(node, ["Checkpoint": "2"])) == Array(digests[2...3]))
    #expect(listed(try query(node, ["Checkpoint": 2])) == Array(digests[2...3]))
    #expect(listed(try query(node, ["InputObject": .text(coin.id)])) == digests)
    #expect(listed(try query(node, ["ChangedObject": .text(third.id)])) == [digests[2]])
    #expect(listed(try query(node, ["InputObject": .text(third.id)])) == [])
    for name in ["FromOrToAddress", "FromAndToAddress", "TransactionKind", "TransactionKindIn"] {
      let error = #expect(throws: RPCError.self) { try query(node, [name: "x"]) }
      #expect(error?.message.contains("Unsupported") == true)
    }
    for filter in [5, "x", [:], ["Nothing": 1], ["ToAddress": "x"], ["Checkpoint": -1]] as [JSON] {
      #expect(throws: RPCError.self) { try query(node, filter) }
    }
  }

  @Test func `a call of utf8 is found by its function`() throws {
    var world = world
    let digest = try world.execute(world.transaction([.pure([1, 65])], [.utf8(.input(0))])).digest
    let node = Node(chain: world.chain)
    for filter in [
      ["package": "0x1"], ["package": "0x1", "module": "string"],
      ["package": "0x1", "module": "string", "function": "utf8"],
    ] as [JSON] {
      #expect(listed(try query(node, ["MoveFunction": filter])) == [digest])
    }
    #expect(listed(try query(node, ["MoveFunction": ["package": "0x1", "module": "ascii"]])) == [])
  }

  @Test func `a transaction has a checkpoint only once there is one`() throws {
    var world = world
    let digest = try world.execute(world.payment(5)).digest
    var block = try call(Node(chain: world.chain), "iota_getTransactionBlock", .text(digest), nil)
    #expect(block == ["digest": .text(digest)])
    world.chain.makeCheckpoint(nowMs: world.nowMs + 7)
    block = try call(Node(chain: world.chain), "iota_getTransactionBlock", .text(digest), nil)
    #expect(block["checkpoint"] == "6")
    #expect(block["timestampMs"] == .text(world.nowMs + 7))
    let checkpoint = try call(Node(chain: world.chain), "iota_getCheckpoint", "6")
    #expect(checkpoint["transactions"] == [.text(digest)])
  }

  @Test func `a transaction shows up in queries after the lag of the index`() throws {
    var node = node
    node.indexLagMs = 350
    #expect(listed(try query(node, toSeller)) == Array(digests[..<7]))
  }

  @Test func `only what is asked for is shown`() throws {
    let block = try call(
      node, "iota_getTransactionBlock", .text(digests[0]),
      ["showInput": true, "showBalanceChanges": true])
    guard case .object(let fields) = block else {
      Issue.record("no object")
      return
    }
    #expect(
      Set(fields.keys) == ["digest", "transaction", "balanceChanges", "checkpoint", "timestampMs"])
    let several = try call(
      node, "iota_multiGetTransactionBlocks", [.text(digests[1]), .text(digests[0])], nil)
    #expect(several.array?.map { $0["digest"] } == [.text(digests[1]), .text(digests[0])])
    let many = JSON.array([JSON](repeating: .text(digests[0]), count: 51))
    #expect(throws: RPCError.self) { try call(node, "iota_multiGetTransactionBlocks", many, nil) }
  }

  @Test func `checkpoints chain`() throws {
    var previous = try call(node, "iota_getCheckpoint", "0")
    #expect(previous["previousDigest"] == nil)
    for number in 1...5 {
      let next = try call(node, "iota_getCheckpoint", .text(number))
      #expect(next["previousDigest"] == previous["digest"])
      #expect(next["networkTotalTransactions"] == .text(number * 2))
      #expect(try call(node, "iota_getCheckpoint", try #require(next["digest"])) == next)
      previous = next
    }
    #expect(try call(node, "iota_getLatestCheckpointSequenceNumber") == "5")
    for id in ["6", "-1", "x", nil, 5] as [JSON] {
      #expect(throws: RPCError.self) { try call(node, "iota_getCheckpoint", id) }
    }
  }

  @Test func `the time of checkpoints never goes back`() throws {
    var chain = world.chain
    chain.makeCheckpoint(nowMs: 5)
    #expect(chain.latest.timestampMs == world.nowMs)
    chain.makeCheckpoint(nowMs: .min)
    #expect(chain.latest.timestampMs == world.nowMs)
  }

  @Test func `coins are listed in pages and summed`() throws {
    let owner = JSON.text(world.seller.address)
    var ids: [JSON] = []
    var cursor: JSON = nil
    while true {
      let page = try call(node, "iotax_getCoins", owner, "0x2::iota::IOTA", cursor, 3)
      ids += try #require(page["data"]?.array).compactMap { $0["coinObjectId"] }
      cursor = try #require(page["nextCursor"])
      if page["hasNextPage"] == false { break }
    }
    #expect(ids.count == 10)
    #expect(Set(ids).count == 10)
    let all = try call(node, "iotax_getAllCoins", owner)
    #expect(all["data"]?.array?.compactMap { $0["coinObjectId"] } == ids)
    let long = JSON.string("0x" + String(repeating: "0", count: 63) + "2::iota::IOTA")
    for type in [nil, "0x2::iota::IOTA", long] as [JSON] {
      let balance = try call(node, "iotax_getBalance", owner, type)
      #expect(balance["totalBalance"] == "55000")
      #expect(balance["coinObjectCount"] == 10)
    }
    let other = try call(node, "iotax_getBalance", owner, "0xabc::usdc::USDC")
    #expect(other["totalBalance"] == "0")
    #expect(throws: RPCError.self) { try call(node, "iotax_getBalance", owner, "usdc") }
  }

  @Test func `an object is shown, or why it is not`() throws {
    let coin = try #require(world.coins(of: world.seller).first)
    let shown = try call(
      node, "iota_getObject", .text(coin.id), ["showContent": true, "showOwner": true])
    #expect(shown["data"]?["digest"] == .text(coin.digest))
    #expect(shown["data"]?["content"]?["fields"]?["balance"] == .text(coin.balance))
    #expect(shown["data"]?["type"] == nil)
    let missing = try call(node, "iota_getObject", "0x5", nil)
    #expect(missing["error"]?["code"] == "notExists")
  }

  @Test func `a dry run tells what would happen, and changes nothing`() throws {
    let transaction = world.payment(500_000)
    let bytes = JSON.string(Base64.encode(transaction.bcs))
    var node = node
    let dry = try node.call(
      "iota_dryRunTransactionBlock", Parameters(values: [bytes]), nowMs: world.nowMs)
    #expect(node.chain.transactions.count == 10)
    let executed = try world.chain.dryRun(transaction, nowMs: world.nowMs)
    #expect(dry["effects"] == executed.effectsJSON)
    #expect(dry["balanceChanges"]?.array?.count == 2)
    let failing = world.payment(100 * World.iota)
    let failed = try call(
      node, "iota_dryRunTransactionBlock", .string(Base64.encode(failing.bcs)))
    #expect(failed["effects"]?["status"]?["error"] == "InsufficientCoinBalance in command 0")
    var gasless = transaction
    gasless.gas.payment = []
    let free = try call(node, "iota_dryRunTransactionBlock", .string(Base64.encode(gasless.bcs)))
    #expect(free["effects"]?["status"]?["status"] == "success")
    for text in ["", "!", "AAAA"] as [JSON] {
      #expect(throws: RPCError.self) { try call(node, "iota_dryRunTransactionBlock", text) }
    }
  }

  @Test func `execution answers as asked, and refuses with a code`() throws {
    let signed = world.signed(world.payment(500_000))
    let bytes = JSON.string(Base64.encode(signed.transaction.bcs))
    let signature = JSON.string(Base64.encode(signed.signatures[0]))
    for (type, waits) in [
      (nil, false), ("WaitForEffectsCert", false), ("WaitForLocalExecution", true),
    ] as [(JSON, JSON)] {
      let answer = try call(
        node, "iota_executeTransactionBlock", bytes, [signature], ["showEffects": true], type)
      #expect(answer["digest"] == .text(signed.transaction.digest))
      #expect(answer["effects"]?["status"] == ["status": "success"])
      #expect(answer["confirmedLocalExecution"] == waits)
      #expect(answer["checkpoint"] == nil)
    }
    func refusal(_ parameters: [JSON]) -> RPCError? {
      var node = node
      do {
        _ = try node.call(
          "iota_executeTransactionBlock", Parameters(values: parameters), nowMs: 0)
        return nil
      } catch {
        return error
      }
    }
    #expect(refusal([bytes, []])?.code == -32002)
    #expect(refusal([bytes, ["AAAA"]])?.code == -32002)
    #expect(refusal([bytes, ["%"]])?.code == -32602)
    #expect(refusal([bytes])?.code == -32602)
    #expect(refusal([])?.code == -32602)
    #expect(refusal([bytes, [signature], nil, "Never"])?.code == -32602)
    var stale = world.payment(1)
    stale.gas.payment[0].version = 1
    let late = world.signed(stale)
    let error = refusal([
      .string(Base64.encode(stale.bcs)), [.string(Base64.encode(late.signatures[0]))],
    ])
    #expect(error?.code == -32002)
    #expect(error?.message.contains("current version: 11") == true)
  }

  @Test func `an unknown method is an error`() {
    #expect(throws: RPCError.methodNotFound) { try call(node, "iota_nothing") }
  }
}
