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
  /// The most payments of any page: to make one durable takes about as long for all of them.
  static let longestPage = 1000

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

  /// The next page, oldest first, with the highest checkpoint that is wholly handed over; nil while
  /// there is none to be had.
  mutating func nextPage(atEnd isEnd: Bool) -> (payments: [Payment], covered: Int64)? {
    guard isEnd ? !payments.isEmpty : payments.count >= Self.window + pageSize else {
      return nil
    }
    payments.sort {
      ($0.checkpoint.sequence, $0.payment.digest) < ($1.checkpoint.sequence, $1.payment.digest)
    }
    let page = payments.prefix(pageSize)
    payments.removeFirst(page.count)
    let last = page.last?.checkpoint.sequence ?? 0
    let isSplit = payments.first?.checkpoint.sequence == last
    return (page.map(\.payment), isSplit ? last - 1 : last)
  }
}
