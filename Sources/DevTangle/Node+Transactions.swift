import PaywallCore

extension Node {
  func transactionBlock(_ parameters: Parameters) throws(RPCError) -> JSON {
    let transaction = try transaction(try parameters.digest(0, "digest"))
    return show(transaction, TransactionOptions(parameters.optional(1)))
  }

  func transactionBlocks(_ parameters: Parameters) throws(RPCError) -> JSON {
    let digests = try parameters.array(0, "digests")
    guard digests.count <= Parameters.largestPage else {
      throw .invalid("The provided digests exceed the limit of \(Parameters.largestPage).")
    }
    let options = TransactionOptions(parameters.optional(1))
    var blocks: [JSON] = []
    for index in digests.indices {
      let digest = try Parameters(values: digests).digest(index, "digests")
      blocks.append(show(try transaction(digest), options))
    }
    return .array(blocks)
  }

  /// A page of transactions, from the one after the cursor on.
  ///
  /// As on a full node, an empty page names the cursor it was asked with, and transactions show up
  /// before they are in a checkpoint.
  func queryTransactionBlocks(_ parameters: Parameters, nowMs: Int64) throws(RPCError) -> JSON {
    let query = try parameters.required(0, "query")
    let filter = try TransactionFilter(query["filter"] ?? .null)
    let options = TransactionOptions(query["options"])
    let limit = try parameters.pageLimit(2)
    let descending = try parameters.bool(3, "descending_order")

    var places = indexed(nowMs: nowMs)
    var cursor: Digest?
    if parameters.optional(1) != nil {
      let digest = try parameters.digest(1, "cursor")
      let position = try position(of: digest)
      let others = descending ? 0..<position : (position + 1)..<chain.transactions.count
      places = others.clamped(to: places)
      cursor = digest
    }
    // One more tells whether there is a next page.
    var page = filter.transactions(
      of: chain, at: places, descending: descending, limit: limit + 1)
    let hasNextPage = page.count > limit
    page = Array(page.prefix(limit))
    return [
      "data": .array(
        page.map { options.isEmpty ? ["digest": .text($0.digest)] : show($0, options) }),
      "nextCursor": (page.last?.digest ?? cursor).map { .text($0) } ?? .null,
      "hasNextPage": .bool(hasNextPage),
    ]
  }

  /// Where the transactions stand that the node still has and shows in queries.
  private func indexed(nowMs: Int64) -> Range<Int> {
    var end = chain.transactions.count
    while end > firstUnpruned {
      let (ageMs, overflow) = nowMs.subtractingReportingOverflow(
        chain.transactions[end - 1].executedAtMs)
      if overflow || ageMs >= indexLagMs { break }
      end -= 1
    }
    return firstUnpruned..<end
  }

  /// The transaction with the parts that were asked for.
  func show(_ executed: ExecutedTransaction, _ options: TransactionOptions) -> JSON {
    var fields: [String: JSON] = ["digest": .text(executed.digest)]
    if options.input { fields["transaction"] = executed.inputJSON }
    if options.rawInput { fields["rawTransaction"] = executed.rawJSON }
    if options.effects { fields["effects"] = executed.effectsJSON }
    if options.events { fields["events"] = [] }
    if options.objectChanges { fields["objectChanges"] = executed.objectChangesJSON }
    if options.balanceChanges { fields["balanceChanges"] = executed.balanceChangesJSON }
    if let checkpoint = executed.checkpoint, let timestampMs = chain.timestampMs(of: executed) {
      fields["checkpoint"] = .text(checkpoint)
      fields["timestampMs"] = .text(timestampMs)
    }
    return .object(fields)
  }
}

/// Which parts of a transaction were asked for.
struct TransactionOptions: Hashable {
  var input = false
  var rawInput = false
  var effects = false
  var events = false
  var objectChanges = false
  var balanceChanges = false

  /// Reads an options object; nil asks for nothing.
  init(_ json: JSON?) {
    input = json?["showInput"]?.bool ?? false
    rawInput = json?["showRawInput"]?.bool ?? false
    effects = json?["showEffects"]?.bool ?? false
    events = json?["showEvents"]?.bool ?? false
    objectChanges = json?["showObjectChanges"]?.bool ?? false
    balanceChanges = json?["showBalanceChanges"]?.bool ?? false
  }

  /// Whether only digests were asked for.
  var isEmpty: Bool {
    !(input || rawInput || effects || events || objectChanges || balanceChanges)
  }
}
