import SmartPlug

/// Logs each kind of failure once, and while it goes on, once an hour with its count.
struct FailureLog {
  static let repeatAfterMs: Int64 = 3_600_000

  private struct Entry {
    var loggedAtMs: Int64
    var since = 0
  }

  private let log: @Sendable (String) -> Void
  private var entries: [PlugError.Kind: Entry] = [:]

  init(log: @escaping @Sendable (String) -> Void) { self.log = log }

  mutating func note(_ error: PlugError, atMs nowMs: Int64) {
    guard var entry = entries[error.kind] else {
      entries[error.kind] = Entry(loggedAtMs: nowMs)
      return log("A reading failed. \(error.description)")
    }
    entry.since += 1
    if nowMs - entry.loggedAtMs >= Self.repeatAfterMs {
      log("\(entry.since) more readings failed (\(error.kind)). \(error.description)")
      entry = Entry(loggedAtMs: nowMs)
    }
    entries[error.kind] = entry
  }
}
