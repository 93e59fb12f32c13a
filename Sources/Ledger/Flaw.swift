/// A row that makes no sense, as an admin's own SQL can write one; it gives nobody access.
public struct Flaw: Error, Hashable, Sendable, CustomStringConvertible {
  /// The table.
  public var table: String
  /// The row's `id`, or its `rowid` in `accounts`.
  public var row: Int64
  /// What is wrong with it.
  public var reason: String

  /// One sentence that names table and row, and says what to do.
  public var description: String {
    "\(table) row \(row) is ignored: \(reason); correct it, or DELETE FROM \(table) WHERE "
      + "\(table == "accounts" ? "rowid" : "id") = \(row)"
  }
}
