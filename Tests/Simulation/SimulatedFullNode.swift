import HTTP
import PaywallCore
import Synchronization

@testable import Tangle

/// A full node of IOTA Rebased, asked by the questions that `RebasedReader` has.
final class SimulatedFullNode: RebasedNode {
  /// What it does otherwise than it should.
  enum Fault {
    /// It gives no more answers than so many.
    case fails(after: Int)
    /// It does not return some of the transactions that it is asked for: those of which a byte of the
    /// digest is even.
    case withholds(byte: Int)
    /// It does not say what such transactions moved.
    case tellsNoAmounts(byte: Int)
    /// It tells the bytes of another transaction instead of such a one's. Those that nobody can read
    /// could be of any.
    case mixesUp(byte: Int)
    /// It does not know where a page ended.
    case forgetsCursors
    /// It shows the newest page again and again.
    case repeatsItself
    /// It has lost all that it had.
    case isEmpty
    /// Another network stands behind its URL.
    case isElsewhere
  }

  struct Told: Sendable {
    var digest: Digest
    var block: TransactionBlock
    var checkpoint: Checkpoint?
  }

  struct Shown: Sendable {
    /// In the order in which it has executed them.
    var transactions: [Told] = []
    var latest = Checkpoint(sequence: 0, timeMs: 0)
    var pageSize = 50
    var fault: Fault?
  }

  let shownURL: ShownURL
  /// Whether its lists tell checkpoints too, as GraphQL does.
  private let listsCheckpoints: Bool
  private let state = Mutex((shown: Shown(), answerCount: 0))

  init(number: Int, listsCheckpoints: Bool) {
    shownURL = ShownURL("http://node\(number)")
    self.listsCheckpoints = listsCheckpoints
  }

  func show(_ next: Shown) { state.withLock { $0 = (next, 0) } }

  private func answer() throws -> Shown {
    try state.withLock { state in
      if case .fails(let count) = state.shown.fault, state.answerCount >= count {
        throw SimulatedNodeError()
      }
      state.answerCount += 1
      return state.shown
    }
  }

  func networkIdentifier() throws -> String {
    if case .isElsewhere = try answer().fault { return "elsewhere" }
    return SimulatedPlugin.network
  }

  func listing(to address: Address, after cursor: String?) throws -> ListingPage {
    let shown = try answer()
    var listed = Array(shown.transactions.reversed())
    switch shown.fault {
    case .isEmpty: listed = []
    case .forgetsCursors where cursor != nil: throw UnknownCursor(reason: "it was forgotten")
    case .repeatsItself: break
    default:
      if let cursor {
        guard let place = listed.firstIndex(where: { $0.digest.description == cursor }) else {
          throw UnknownCursor(reason: "there is no such transaction")
        }
        listed.removeFirst(place + 1)
      }
    }
    let page = listed.prefix(shown.pageSize)
    return ListingPage(
      entries: page.map { told in
        ListingPage.Entry(
          digest: told.digest, cursor: told.digest.description,
          checkpoint: listsCheckpoints ? told.checkpoint : nil)
      }, hasOddEntries: false, nextCursor: page.last?.digest.description,
      hasNextPage: page.count < listed.count)
  }

  func transactions(_ digests: [Digest]) throws -> [TransactionBlock] {
    let shown = try answer()
    let found = shown.transactions.filter { digests.contains($0.digest) }.map(\.block)
    switch shown.fault {
    case .withholds(let byte): return found.filter { !Self.isHit($0, byte) }
    case .tellsNoAmounts(let byte):
      return found.map { block in
        var block = block
        if Self.isHit(block, byte) { block.balanceChanges = nil }
        return block
      }
    case .mixesUp(let byte):
      return found.map { block in
        var block = block
        let other = shown.transactions.first {
          $0.block.digest != block.digest && PlainTransaction.isReadable($0.block)
        }
        if Self.isHit(block, byte) { block.rawTransaction = other?.block.rawTransaction }
        return block
      }
    default: return found
    }
  }

  private static func isHit(_ block: TransactionBlock, _ byte: Int) -> Bool {
    Digest(block.digest)?.bytes[byte].isMultiple(of: 2) ?? false
  }

  func checkpoints(of digests: [Digest]) throws -> [Digest: Checkpoint] {
    var checkpoints: [Digest: Checkpoint] = [:]
    for told in try answer().transactions where digests.contains(told.digest) {
      checkpoints[told.digest] = told.checkpoint
    }
    return checkpoints
  }

  func latestCheckpoint() throws -> Checkpoint { try answer().latest }

  func digests(inCheckpoint sequence: Int64) throws -> Set<Digest>? { nil }
}

/// A node gives no answer.
private struct SimulatedNodeError: NodeError {
  let reason = "it fails"
  let isCancelled = false
  let retryAfterSeconds: Int? = nil
  let isRefusal = false
  let isTooLarge = false
  let isBroken = false
  var description: String { reason }
}
