import Glibc
import Ledger
import PaywallCore

/// Payments recorded each second, with all that they cause, durably, by the size of a page; into a
/// new ledger, and into one that holds a million.
enum RecordBench {
  private static let pageSizes = [50, 1000, 5000]
  private static let accounts = 200_000
  /// So many are measured with each size of pages.
  private static let count = 50_000

  static func run() {
    do {
      for pageSize in pageSizes { try measure([pageSize], existing: 0) }
      try measure(pageSizes, existing: 1_000_000)
    } catch {
      print("access-bench: \(error)")
      exit(1)
    }
  }

  /// Measures one size of pages after the other, in one ledger.
  private static func measure(_ pageSizes: [Int], existing: Int) throws {
    let folder = try Folder()
    var history = try History(ledger: Ledger(path: folder.path("paywall.db"), nowMs: nowMs))
    try history.record(existing, pageSize: 10_000)
    for pageSize in pageSizes {
      let start = wallNs()
      let cpu = try Measure.total { try history.record(count, pageSize: pageSize) }
      let made = wallNs()
      let idle = Measure.total { history.pass(count, pageSize: pageSize) }
      let seconds = Double(made - start - idle) / 1e9
      Measure.report([
        "bench": "record", "existing": existing, "page": pageSize,
        "per_s": Double(count) / seconds, "cpu_us": Double(cpu - idle) / 1000 / Double(count),
        "rss_bytes": residentBytes(),
      ])
    }
    history.ledger.close()
  }

  private static var nowMs: Int64 { Int64(time(nil)) * 1000 }

  private static func wallNs() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// The memory that this process has of its own now.
  private static func residentBytes() -> Int {
    guard let file = fopen("/proc/self/status", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, Int32(line.count), file) != nil {
      let bytes = line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
      let text = String(decoding: bytes, as: UTF8.self)
      guard text.hasPrefix("RssAnon:") else { continue }
      return (text.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0)
        * 1024
    }
    return 0
  }

  /// Payments of 200 000 accounts in a random order, four in each checkpoint, as a node tells them.
  private struct History {
    let ledger: Ledger
    private let offers: OfferHistory
    private var random = SplitMix64(seed: 1)
    private var made = 0
    private let startMs: Int64

    init(ledger: Ledger) throws {
      self.ledger = ledger
      startMs = RecordBench.nowMs - 365 * 86_400_000
      guard let name = Name("live"), let topic = TopicFilter("sensor/live") else {
        throw PluginError(description: "no offer")
      }
      let terms = Offer(
        name: name, topics: [topic], price: 500_000, perMs: 3_600_000, minimumMs: 1000,
        validFromMs: 0)
      offers = try ledger.apply(
        offers: [OfferEntry(terms: terms, fromMs: nil)], nowMs: RecordBench.nowMs,
        firstFromMs: startMs)
    }

    mutating func record(_ count: Int, pageSize: Int) throws {
      for page in pages(count, pageSize) {
        let page = self.page(page)
        _ = try ledger.record(
          page, network: "6364aad5", address: Address(.zero), offers: offers,
          nowMs: RecordBench.nowMs)
      }
    }

    /// Makes payments and does nothing with them, to know what that takes.
    mutating func pass(_ count: Int, pageSize: Int) {
      var copy = self
      for page in pages(count, pageSize) { _ = copy.page(page) }
    }

    private func pages(_ count: Int, _ size: Int) -> [Int] {
      stride(from: 0, to: count, by: size).map { min(size, count - $0) }
    }

    private mutating func page(_ count: Int) -> PaymentPage {
      let payments = (0..<count).map { _ in payment() }.sorted { first, second in
        (first.checkpoint?.sequence ?? 0, first.digest)
          < (second.checkpoint?.sequence ?? 0, second.digest)
      }
      let position = ReadingPosition(
        checkpoint: payments.last?.checkpoint?.sequence, sinceMs: startMs)
      return PaymentPage(payments: payments, position: position)
    }

    private mutating func payment() -> Payment {
      var bytes: [UInt8] = []
      bytes.reserveCapacity(32)
      for _ in 0..<4 { withUnsafeBytes(of: random.next()) { bytes.append(contentsOf: $0) } }
      let id = Bytes32(bytes) ?? .zero
      let username = "user-\(Int(random.next() % UInt64(RecordBench.accounts)))"
      made += 1
      let sequence = Int64(made / 4)
      return Payment(
        digest: Digest(id), payer: Address(id), isPayerVerified: true, amount: 500_000,
        memo: Memo(
          content: .plain(username: Array(username.utf8), offer: nil),
          text: "{\"username\":\"\(username)\"}"),
        checkpoint: Checkpoint(sequence: sequence, timeMs: startMs + sequence * 1000))
    }
  }
}
