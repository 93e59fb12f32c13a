import PaywallCore
import Tangle

@testable import Ledger

/// Several nodes, of which one is read or enough have to agree.
extension World {
  /// Reads nodes, some of which may fail; may be cut short by the disk, or a crash.
  ///
  /// - Returns: Whether a crash is to follow.
  func pollNodes(isOrderly: Bool) throws -> Bool {
    guard let plugin else { return false }
    nodes.advance(toMs: time.tangleMs - Self.startMs)
    if nodes.areRead {
      showTransactions(isOrderly: isOrderly)
    } else {
      for (number, node) in nodes.nodes.enumerated() {
        node.show(shown(by: number, isOrderly: isOrderly))
      }
    }
    do {
      try nodes.source.readPayments(after: plugin.position(), isKnown: plugin.isKnown) { page in
        let handed = try page.payments.map(index(of:))
        let recorded = try record(
          handed, page.position.checkpoint ?? -1, isOrderly: isOrderly)
        if recorded != .done { throw recorded }
      }
    } catch let recorded as Recorded {
      return recorded == .crash
    } catch let error as TangleError {
      say("the nodes fail: \(error)")
    } catch let error as NetworkMismatch {
      say("the nodes fail: \(error)")
    }
    return false
  }

  /// Which transaction a payment is, all of which has to be true.
  private func index(of payment: Payment) throws -> (index: Int, isFinal: Bool) {
    let isFinal = payment.checkpoint != nil
    let index = tangle.firstIndex { $0.text == payment.digest.description }
    guard let index, tangle[index].payment(isFinal: isFinal) == payment else {
      throw BrokenPromise(.once, "what one node made up is handed over: \(payment)")
    }
    return (index, isFinal)
  }

  private func shown(by number: Int, isOrderly: Bool) -> SimulatedNode.Shown {
    var shown = SimulatedNode.Shown()
    shown.reached = SimulatedTime.checkpoint(atMs: time.tangleMs).sequence
    for (index, transaction) in tangle.enumerated() {
      guard let checkpoint = transaction.checkpoint, isFinal(index) else {
        if transaction.sentAtMs <= time.tangleMs, chance(2) {
          shown.payments.append(transaction.payment(isFinal: false))
        }
        continue
      }
      guard checkpoint.timeMs >= sinceMs else { continue }
      if transaction.shownFromMs + nodes.lagsMs[number] <= time.tangleMs {
        shown.payments.append(transaction.payment(isFinal: true))
      } else {
        shown.reached = min(shown.reached, checkpoint.sequence - 1)
      }
    }
    if number == nodes.liar { lie(&shown) }
    guard !isOrderly else { return shown }
    shown.pageSize = self.number(1...6)
    if chance(6) { shown.failsAfter = self.number(0...2) }
    return shown
  }

  /// Tells something else of most transactions, of each always the same, and hides some.
  private func lie(_ shown: inout SimulatedNode.Shown) {
    shown.reached = SimulatedTime.checkpoint(atMs: time.tangleMs).sequence
    shown.payments = shown.payments.flatMap { payment -> [Payment] in
      let bytes = payment.digest.bytes
      var told = payment
      switch bytes[0] % 7 {
      case 0: return []
      case 1: told.amount *= 1000
      case 2:
        told.checkpoint = payment.checkpoint.map {
          Checkpoint(sequence: $0.sequence, timeMs: $0.timeMs + 3_600_000)
        }
      case 3: told.memo = PaywallCore.Memo(content: .plain(username: [97], offer: nil), text: nil)
      case 4: told.payer = Address(Self.wallets[0])
      case 5: told.isPayerVerified.toggle()
      default: break
      }
      guard bytes[1] % 4 == 0 else { return [told] }
      var invented = payment
      invented.digest = Digest(Bytes32(bytes.dropLast() + [bytes[31] ^ 1]) ?? .zero)
      return [told, invented]
    }
  }
}
