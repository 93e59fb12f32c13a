import Access
import Ledger
import PaywallCore

/// What the watcher hands to the main thread of buyers' logins: a table of all, and changes to it.
struct LoginView {
  private let ledger: Ledger
  private let changes: ChangeQueue
  private let log: LogQueue
  /// How many changes a table has room for at least.
  private let leastSpare: Int
  /// How many more logins fit into the table for certain.
  private var spare = 0
  /// Changes that were not handed over yet.
  private var pending: [Ledger.Login] = []
  /// Whether the whole table has to be read.
  private var isUnread = true
  private var flaws: Set<Flaw> = []

  init(ledger: Ledger, changes: ChangeQueue, log: LogQueue, leastSpare: Int = 1000) {
    self.ledger = ledger
    self.changes = changes
    self.log = log
    self.leastSpare = leastSpare
  }

  /// Has all logins read again, for somebody else has changed them.
  mutating func forget() {
    isUnread = true
  }

  /// Notes logins that have changed, for the next update.
  mutating func note(_ logins: [Ledger.Login]) {
    pending += logins
  }

  /// Hands over what has changed, or all logins where it does not fit or they were not read yet.
  mutating func update() throws(LedgerError) {
    guard !isUnread, pending.count <= spare else { return try updateAll() }
    guard !pending.isEmpty else { return }
    spare -= pending.count
    changes.push(
      loginChanges: pending.map { LoginChange(hash: $0.passwordHash, isValid: $0.isValid) })
    pending = []
  }

  private mutating func updateAll() throws(LedgerError) {
    isUnread = true
    var hashes: [Bytes32] = []
    let flaws = try ledger.forEachLogin { _, hash in hashes.append(hash) }
    for flaw in flaws where self.flaws.insert(flaw).inserted {
      log.write(.warning, "ledger \(ledger.path): \(flaw)")
    }
    spare = max(leastSpare, hashes.count / 8)
    var table = LoginTable(capacity: hashes.count + spare)
    for hash in hashes { _ = table.insert(hash) }
    changes.push(logins: table)
    pending = []
    isUnread = false
  }
}
