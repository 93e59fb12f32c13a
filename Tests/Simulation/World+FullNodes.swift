import PaywallCore

@testable import Tangle

/// What full nodes show, each in the order in which it executes transactions.
extension World {
  /// How far that may be from the order of checkpoints, in milliseconds: a little less than
  /// `DigestListing.overlap` is long.
  private static let disorderMs: Int64 = 9500

  /// Has all nodes show what there is; sometimes all fail alike.
  func showTransactions(isOrderly: Bool) {
    let common = isOrderly || !chance(3) ? nil : misbehaviour()
    for number in nodes.fullNodes.indices {
      let own = isOrderly || !chance(3) ? nil : misbehaviour()
      showTransactions(number, common ?? own, isOrderly: isOrderly)
    }
  }

  private func misbehaviour() -> SimulatedFullNode.Fault {
    pick([
      .fails(after: number(0...6)), .fails(after: number(0...6)),
      .withholds(byte: number(6...9)), .withholds(byte: number(6...9)),
      .tellsNoAmounts(byte: number(6...9)), .mixesUp(byte: number(6...9)), .forgetsCursors,
      .repeatsItself, .isEmpty, .isElsewhere,
    ])
  }

  /// Has a node show what there is, by how far it lags.
  private func showTransactions(
    _ number: Int, _ fault: SimulatedFullNode.Fault?, isOrderly: Bool
  ) {
    let lagMs =
      isOrderly ? 0 : pick([0, 0, nodes.lagsMs[number], Int64(self.number(0...400_000))])
    let nowMs = time.tangleMs - lagMs
    var shown = SimulatedFullNode.Shown()
    let (sequence, timeMs) = SimulatedTime.checkpoint(atMs: nowMs)
    shown.latest = Checkpoint(sequence: sequence, timeMs: timeMs)
    let executed = tangle.indices.map { (index: $0, atMs: executedAtMs($0, by: number)) }
      .filter { $0.atMs <= nowMs && isThere($0.index, atMs: nowMs) }
      .sorted { ($0.atMs, $0.index) < ($1.atMs, $1.index) }
    shown.transactions = executed.compactMap { told($0.index, atMs: nowMs) }
    if nodes.agree > 1, number == nodes.liar {
      shown.transactions = shown.transactions.flatMap(lie)
    }
    shown.pageSize = pick([50, 20, 5, 5])
    shown.fault = fault
    nodes.fullNodes[number].show(shown)
  }

  /// When a node executes a transaction, a little before its checkpoint or after.
  private func executedAtMs(_ index: Int, by number: Int) -> Int64 {
    let transaction = tangle[index]
    guard let checkpoint = transaction.checkpoint else { return transaction.sentAtMs + 200 }
    let place = Int64(transaction.digest[number + 2])
    return checkpoint.timeMs - Self.disorderMs / 2 + place * Self.disorderMs / 256
  }

  /// What gets into no checkpoint is forgotten.
  private func isThere(_ index: Int, atMs nowMs: Int64) -> Bool {
    tangle[index].checkpoint != nil || nowMs < tangle[index].sentAtMs + 20_000
  }

  private func told(_ index: Int, atMs nowMs: Int64) -> SimulatedFullNode.Told? {
    let transaction = tangle[index]
    let isFinal = (transaction.checkpoint?.timeMs ?? .max) <= nowMs
    guard let digest = Digest(transaction.text) else { return nil }
    let checkpoint = isFinal ? transaction.checkpoint : nil
    return SimulatedFullNode.Told(
      digest: digest, block: transaction.block(isFinal: isFinal),
      checkpoint: checkpoint.map { Checkpoint(sequence: $0.sequence, timeMs: $0.timeMs) })
  }

  /// Tells something else of most transactions, of each always the same, and hides some.
  private func lie(_ told: SimulatedFullNode.Told) -> [SimulatedFullNode.Told] {
    let bytes = told.digest.bytes
    var changed = told
    switch bytes[0] % 7 {
    case 0: return []
    case 1:
      changed.block.balanceChanges = told.block.balanceChanges?.map { change in
        var change = change
        change.amount += "000"
        return change
      }
    case 2:
      changed.checkpoint = told.checkpoint.map {
        Checkpoint(sequence: $0.sequence, timeMs: $0.timeMs + 3_600_000)
      }
      changed.block.timestampMs = changed.checkpoint.flatMap { Number($0.timeMs) }
    case 3: changed.block.effects?.status.status = "failure"
    case 4: changed.block.rawTransaction = tangle.randomElement(using: &random)?.raw
    default: break
    }
    guard bytes[1] % 4 == 0 else { return [changed] }
    var invented = told
    invented.digest = Digest(Bytes32(bytes.dropLast() + [bytes[31] ^ 1]) ?? .zero)
    invented.block.digest = invented.digest.description
    return [changed, invented]
  }
}
