import PaywallCore

/// What a Stardust node knows of the ledger, and how it tells it.
///
/// Source: iotaledger/tips, TIP-25 and TIP-26; iotaledger/hornet, components/coreapi/types.go.
struct StardustView: Sendable {
  let ledger: StardustLedger
  let options: DevStardust.Options
  /// The newest milestone that the node has confirmed.
  let newest: StardustLedger.Milestone
  /// Milestones up to this one, and what was spent in them, are forgotten.
  let pruned: UInt32
  private let isHealthy: Bool
  private let isForeign: Bool
  private let skewS: Int64

  init(ledger: StardustLedger, options: DevStardust.Options, faults: [Fault]) {
    func value(_ kind: Fault.Kind) -> Int64? {
      faults.last { $0.kind == kind }?.effectiveValue
    }
    self.ledger = ledger
    self.options = options
    let lag = Int(clamping: value(.lagging) ?? 0)
    let known = ledger.milestones.dropLast(min(lag, ledger.milestones.count - 1))
    let newest = known.last ?? StardustLedger.Milestone(index: 0, timeS: 0)
    self.newest = newest
    pruned = value(.pruned).map { UInt32(clamping: Int64(newest.index) - $0) } ?? 0
    isHealthy = value(.lagging) == nil
    isForeign = value(.wrongNetwork) != nil
    skewS = (value(.timeSkew) ?? 0) / 1000
  }

  /// The answer to a question; nil where there is no such thing.
  func answer(_ question: StardustQuestion) -> JSON? {
    switch question {
    case .info: info
    case .milestone(let index): milestone(index).map { StardustLedger.json($0) }
    case .changes(let index): milestone(index).map { StardustLedger.changes($0) }
    case .output(let id): output(id).map { ledger.json($0, newest: newest) }
    case .metadata(let id): output(id).map { ledger.metadata($0, newest: newest) }
    case .unspent(let filter): unspent(filter)
    }
  }

  private func milestone(_ index: UInt32) -> StardustLedger.Milestone? {
    guard index > pruned, index <= newest.index,
      var milestone = ledger.milestones.dropFirst(Int(index) - 1).first
    else { return nil }
    milestone.timeS = skewed(milestone.timeS)
    return milestone
  }

  private func output(_ id: StardustLedger.OutputID) -> StardustLedger.Output? {
    guard let output = ledger.outputs[id], isBooked(output) else { return nil }
    let isForgotten = output.spent.map { ledger.milestones[$0].index <= pruned } ?? false
    return isForgotten ? nil : output
  }

  private func isBooked(_ output: StardustLedger.Output) -> Bool {
    output.booked.map { ledger.milestones[$0].index <= newest.index } ?? false
  }

  private func skewed(_ timeS: UInt32) -> UInt32 { UInt32(clamping: Int64(timeS) + skewS) }

  private var info: JSON {
    let milestone: JSON = [
      "index": .int(Int64(newest.index)), "timestamp": .int(Int64(skewed(newest.timeS))),
      "milestoneId": .string("0x" + String(repeating: "00", count: 32)),
    ]
    return [
      "name": "HORNET", "version": "2.0.2",
      "status": [
        "isHealthy": .bool(isHealthy), "latestMilestone": milestone,
        "confirmedMilestone": milestone, "pruningIndex": .int(Int64(pruned)),
      ],
      "supportedProtocolVersions": [2],
      "protocol": [
        "version": 2, "networkName": .string(isForeign ? "elsewhere" : options.networkName),
        "bech32Hrp": .string(options.bech32Prefix), "minPowScore": 0, "belowMaxDepth": 15,
        "rentStructure": ["vByteCost": 0, "vByteFactorData": 1, "vByteFactorKey": 10],
        "tokenSupply": .text(StardustLedger.supply),
      ],
      "pendingProtocolParameters": [],
      "baseToken": [
        "name": "IOTA", "tickerSymbol": "IOTA", "unit": "IOTA", "subunit": "micro", "decimals": 6,
        "useMetricPrefix": false,
      ],
      "metrics": [
        "blocksPerSecond": 0, "referencedBlocksPerSecond": 0, "referencedRate": 0,
      ],
      "features": [],
    ]
  }

  // MARK: The indexer

  private func unspent(_ filter: StardustQuestion.Filter) -> JSON {
    let found = ledger.outputs.values.filter { output in
      guard !output.order.isNFT, isBooked(output),
        filter.address.map({ $0 == output.order.to }) ?? true,
        let booked = output.booked
      else { return false }
      let isSpent = output.spent.map { ledger.milestones[$0].index <= newest.index } ?? false
      let timeS = ledger.milestones[booked].timeS
      return !isSpent && timeS > filter.createdAfter && timeS < filter.createdBefore
    }
    // The cursor is the first name of the next page, after the time of its milestone.
    let names = found.map { output in
      let timeS = output.booked.map { ledger.milestones[$0].timeS } ?? 0
      let digits = Hex.encode((0..<4).map { UInt8(truncatingIfNeeded: timeS >> (24 - 8 * $0)) })
      return digits + output.id.text.dropFirst(2)
    }.sorted().drop { $0 < filter.cursor ?? "" }
    let page = names.prefix(filter.pageSize)
    var fields: [String: JSON] = [
      "ledgerIndex": .int(Int64(newest.index)), "pageSize": .int(Int64(filter.pageSize)),
      "items": .array(page.map { .string("0x" + $0.dropFirst(8)) }),
    ]
    if let next = names.dropFirst(page.count).first {
      fields["cursor"] = .string("\(next).\(filter.pageSize)")
    }
    return .object(fields)
  }
}
