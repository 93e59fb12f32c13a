import CSQLite
import GRDB

@testable import Ledger

/// Faults of the disk.
extension World {
  func harm(_ fault: DiskFault) throws {
    try heal()
    guard let plugin, let admin else { return }
    switch fault {
    case .none: break
    case .locked: try admin.inDatabase { try $0.execute(sql: "BEGIN IMMEDIATE") }
    case .full:
      try plugin.ledger.read { db in
        let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
        _ = try Int.fetchOne(db, sql: "PRAGMA max_page_count = \(pages)")
      }
    case .readOnly: try plugin.ledger.read { try $0.execute(sql: "PRAGMA query_only = ON") }
    }
    self.fault = fault
  }

  func heal() throws {
    switch fault {
    case .none: break
    case .locked: try admin?.inDatabase { try $0.execute(sql: "ROLLBACK") }
    case .full:
      try plugin?.ledger.read { db in
        _ = try Int.fetchOne(db, sql: "PRAGMA max_page_count = 1000000")
      }
    case .readOnly: try plugin?.ledger.read { try $0.execute(sql: "PRAGMA query_only = OFF") }
    }
    fault = .none
  }

  /// Does what may fail only because the disk does.
  ///
  /// - Returns: Whether it was done.
  @discardableResult
  func attempt(_ what: String, _ body: () throws -> Void) throws -> Bool {
    do {
      try body()
      return true
    } catch let error as BrokenPromise {
      throw error
    } catch {
      guard fault != .none else { throw BrokenPromise(.error, "\(what): \(error)") }
      return false
    }
  }
}

extension Ledger {
  /// Has everything that is asked of the file fail, or no more.
  func setReadable(_ isReadable: Bool) {
    try? read { db in
      guard let connection = db.sqliteConnection else { return }
      guard !isReadable else { return sqlite3_progress_handler(connection, 0, nil, nil) }
      sqlite3_progress_handler(connection, 1, { _ in 1 }, nil)
    }
  }
}
