import GRDB
import Synchronization

/// Looks for damage in a whole ledger, beside whoever has it open.
///
/// `PRAGMA quick_check` reads every page (https://sqlite.org/pragma.html#pragma_quick_check): three
/// seconds for a million payments, and so nothing to wait for at the start of a broker.
public final class LedgerCheck: Sendable {
  /// How much is told of damage at most.
  private static let findingLimit = 10

  private let files: LedgerFiles?
  private let connection: Connection
  private let isOpen = Mutex(true)
  private let isOver = Atomic(false)

  /// Opens a ledger to check.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - files: Those that this process has open already; nil: none.
  /// - Throws: `LedgerError`.
  public init(path: String, files: LedgerFiles? = nil) throws(LedgerError) {
    self.files = files
    connection = try Connection(reading: path, beside: files)
  }

  /// Looks for damage, for as long as that takes, and closes the file, after which it may not be
  /// called again.
  ///
  /// - Returns: What was found, none where all is well or the check was ended early.
  /// - Throws: `LedgerError` where it cannot be done.
  public func run() throws(LedgerError) -> [String] {
    defer { close() }
    files?.mendIndex()
    do throws(LedgerError) {
      return try connection.read { db in
        isOver.load(ordering: .acquiring) ? [] : try Self.findings(db)
      }
    } catch {
      // An interruption is an error too.
      if isOver.load(ordering: .acquiring) { return [] }
      // Some damage SQLite meets as an error, while it prepares to look for it.
      guard error.code == .corrupt else { throw error }
      return ["a page cannot be read"]
    }
  }

  /// What SQLite finds wrong.
  static func findings(_ db: Database) throws -> [String] {
    var findings: [String] = []
    try Prepared("PRAGMA quick_check(\(findingLimit))", db).forEach { row in
      if let finding = row.text(0), finding != "ok" { findings.append(finding) }
      return true
    }
    return findings
  }

  /// Closes the file; for a check that does not run.
  public func close() {
    isOver.store(true, ordering: .releasing)
    isOpen.withLock { $0 = false }
    connection.close()
  }

  /// Ends the check soon, or before it begins.
  ///
  /// An interruption that comes before SQLite has begun is lost, so it has to be called until the
  /// check is over.
  public func cancel() {
    isOver.store(true, ordering: .releasing)
    isOpen.withLock { if $0 { connection.database.interrupt() } }
  }
}
