/// Why bytes are not the BCS of what was expected.
public struct BCSError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kinds of error.
  public enum Code: Hashable, Sendable {
    /// The bytes end too early.
    case truncated
    /// The bytes go on after the value.
    case trailingBytes
    /// A number, flag or text has a form that BCS forbids.
    case malformed
    /// A limit of ours or of IOTA is exceeded.
    case limit
    /// Valid on IOTA, but nothing that this project reads.
    case unsupported
  }

  /// What kind of error it is.
  public var code: Code
  /// Where in the bytes, from 0.
  public var offset: Int
  /// What was being read there, in words.
  public var what: String

  /// What is wrong, and where.
  public var description: String {
    switch code {
    case .truncated: "The BCS bytes end at \(offset), where \(what) is expected."
    case .trailingBytes: "The BCS bytes go on at \(offset), after the end of \(what)."
    case .malformed: "The BCS bytes hold no valid \(what) at \(offset)."
    case .limit: "The BCS bytes exceed a limit at \(offset): \(what)."
    case .unsupported: "The BCS bytes hold \(what) at \(offset), which is not supported."
    }
  }
}
