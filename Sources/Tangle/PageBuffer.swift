internal import PaywallCore

/// Puts final payments in order across requests, and cuts them into pages.
///
/// Nodes list transactions in the order in which they executed them, which differs a little from
/// that of the checkpoints; what is held here makes up for the difference.
struct PageBuffer {
  /// How many payments are held back until the end, to be overtaken by earlier ones.
  static let window = 500
  /// The most payments of a page, unless there are many to read.
  static let pageSize = 50
  /// The most payments of any page: the ledger stores what many of them change only once for each.
  static let longestPage = 5_000
  /// What was read from a slow node for so long is handed over, however little it is.
  static let longestWait = Duration.seconds(1)

  /// The most payments of a page of this reading.
  private let pageSize: Int
  private var payments: [(checkpoint: Checkpoint, payment: Payment)] = []

  /// A buffer for a reading of so many transactions.
  init(backlog: Int) {
    pageSize = min(max(backlog / 20, Self.pageSize), Self.longestPage)
  }

  mutating func insert(_ payment: Payment, at checkpoint: Checkpoint) {
    payments.append((checkpoint, payment))
  }

  /// Takes out the next page.
  ///
  /// - Parameters:
  ///   - isEnd: Whether nothing comes any more, and nothing is held back.
  ///   - isOverdue: Whether the last page is so long ago that a shorter one is due.
  /// - Returns: Payments, oldest first, with the highest checkpoint that is wholly handed over; nil
  ///   while there is no page to be had.
  mutating func nextPage(
    atEnd isEnd: Bool, isOverdue: Bool = false
  ) -> (payments: [Payment], covered: Int64)? {
    let least = isOverdue ? min(Self.pageSize, pageSize) : pageSize
    guard isEnd ? !payments.isEmpty : payments.count >= Self.window + least else {
      return nil
    }
    payments.sort {
      ($0.checkpoint.sequence, $0.payment.digest) < ($1.checkpoint.sequence, $1.payment.digest)
    }
    let page = payments.prefix(isEnd ? pageSize : min(pageSize, payments.count - Self.window))
    payments.removeFirst(page.count)
    let last = page.last?.checkpoint.sequence ?? 0
    let isSplit = payments.first?.checkpoint.sequence == last
    return (page.map(\.payment), isSplit ? last - 1 : last)
  }
}
