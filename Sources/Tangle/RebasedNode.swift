internal import HTTP
internal import PaywallCore

/// The questions that payments need, of one node of IOTA Rebased; one type per protocol.
///
/// They throw ``NodeError``, or what is said with each.
protocol RebasedNode: Sendable {
  /// The node's URL, without its secrets.
  var shownURL: ShownURL { get }

  /// The identifier of the node's network; asked before anything else, and from time to time.
  mutating func networkIdentifier() throws -> String

  /// The page after the cursor, or the newest one.
  ///
  /// - Throws: ``UnknownCursor``.
  func listing(to address: Address, after cursor: String?) throws -> ListingPage

  /// What the node tells about the transactions, in no certain order; some may be missing.
  func transactions(_ digests: [Digest]) throws -> [TransactionBlock]

  /// The checkpoints of those of the transactions that have one; for what a listing leaves open.
  func checkpoints(of digests: [Digest]) throws -> [Digest: Checkpoint]

  /// The newest checkpoint.
  func latestCheckpoint() throws -> Checkpoint

  /// Transactions of a checkpoint, as many as a page holds or all; nil where the node does not have
  /// it, or has forgotten what was in it.
  func digests(inCheckpoint sequence: Int64) throws -> Set<Digest>?
}

/// Transactions that touched an address, newest first.
struct ListingPage {
  struct Entry {
    var digest: Digest
    /// Where a page that begins after this entry is asked for.
    var cursor: String
    /// Nil where the listing does not tell.
    var checkpoint: Checkpoint?
  }

  var entries: [Entry]
  /// Whether there were entries that cannot be read.
  var hasOddEntries: Bool
  var nextCursor: String?
  var hasNextPage: Bool
}

/// The node does not know a cursor, or not any more.
struct UnknownCursor: Error {
  let reason: String
}

/// Why a node gave no answer, in whatever protocol.
protocol NodeError: Error, CustomStringConvertible {
  var reason: String { get }
  /// Whether the source's owner ended the question.
  var isCancelled: Bool { get }
  /// How long the node asked us to wait.
  var retryAfterSeconds: Int? { get }
  /// Whether the node refused this very question, and would do so again.
  var isRefusal: Bool { get }
  /// Whether the answer was larger than accepted.
  var isTooLarge: Bool { get }
  /// Whether the answer broke on its way, so that the same question may be answered at once.
  var isBroken: Bool { get }
}

extension RebasedNode {
  /// Asks once more where an answer was broken: a long history takes thousands of requests, of
  /// which one may well fail.
  func repeatingBroken<Answer, Failure: NodeError>(
    _ question: () throws(Failure) -> Answer
  ) throws(Failure) -> Answer {
    do {
      return try question()
    } catch {
      guard error.isBroken else { throw error }
      return try question()
    }
  }

  /// Asks about fewer transactions where a question is refused, or its answer too large: one that the
  /// node cannot answer must not hide the others, nor many large ones each other.
  func halvingRefused<Answer, Failure: NodeError>(
    _ digests: [Digest], _ question: ([Digest]) throws(Failure) -> [Answer]
  ) throws(Failure) -> [Answer] {
    do {
      return try question(digests)
    } catch {
      guard error.isRefusal || error.isTooLarge, digests.count > 1 else { throw error }
    }
    var found: [Answer] = []
    for half in [digests.prefix(digests.count / 2), digests.dropFirst(digests.count / 2)] {
      do {
        found += try halvingRefused(Array(half), question)
      } catch {
        guard error.isRefusal, half.count == 1 else { throw error }
      }
    }
    return found
  }
}
