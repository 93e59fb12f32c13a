import PaywallCore
import Synchronization
import Tangle

/// A ledger in memory that insists on the source's promises.
final class Recorder {
  private(set) var payments: [Payment] = []
  private(set) var pending: [Payment] = []
  private(set) var pageSizes: [Int] = []
  private(set) var violations: [String] = []
  private(set) var known: Set<Digest> = []
  var position: ReadingPosition
  /// Whether a page without payments is progress.
  var mayRecordNothing = false
  private let longestPage: Int

  init(sinceMs: Int64 = 0, longestPage: Int = 50) {
    self.longestPage = longestPage
    position = ReadingPosition(checkpoint: nil, sinceMs: sinceMs)
  }

  var digests: [Digest] { payments.map(\.digest) }

  func read(
    _ source: some PaymentSource, failingAtPage limit: Int = .max
  ) throws {
    var pages = 0
    try source.readPayments(after: position, isKnown: { self.known.contains($0) }) { page in
      pages += 1
      if pages >= limit { throw Crash() }
      record(page)
    }
  }

  struct Crash: Error {}

  private func record(_ page: PaymentPage) {
    pageSizes.append(page.payments.count)
    if page.payments.count > longestPage || page.payments.isEmpty && !mayRecordNothing {
      violations.append("page size")
    }
    if (page.position.checkpoint ?? -1) < (position.checkpoint ?? -1) {
      violations.append("the position went back")
    }
    position = page.position
    let order = page.payments.map { ($0.checkpoint?.sequence ?? .max, $0.digest) }
    for (first, second) in zip(order, order.dropFirst()) where !(first < second) {
      violations.append("order")
    }
    for payment in page.payments {
      guard payment.checkpoint != nil else {
        pending.append(payment)
        continue
      }
      if !known.insert(payment.digest).inserted { violations.append("twice \(payment.digest)") }
      payments.append(payment)
    }
  }
}

/// Collects warnings.
final class Log: Sendable {
  private let lines = Mutex<[String]>([])

  var all: [String] { lines.withLock { $0 } }

  func append(_ line: String) {
    lines.withLock { $0.append(line) }
  }
}

/// A clock that tests advance.
final class HandClock: Sendable {
  private let instant = Mutex(ContinuousClock.now)

  var now: ContinuousClock.Instant { instant.withLock { $0 } }

  func advance(by duration: Duration) {
    instant.withLock { $0 += duration }
  }
}
