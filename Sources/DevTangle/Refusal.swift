/// Why a transaction is not executed at all: nothing is charged, nothing is remembered.
///
/// The texts are those of iotaledger/iota, crates/iota-types/src/error.rs, where there is one.
struct Refusal: Error, Hashable, CustomStringConvertible {
  /// What is at fault.
  enum Cause: Hashable {
    case input
    case signature
  }

  var cause: Cause
  var description: String

  /// The transaction, or an object it names, is at fault.
  static func input(_ description: String) -> Refusal {
    Refusal(cause: .input, description: description)
  }

  /// A signature is missing or wrong.
  static func signature(_ description: String) -> Refusal {
    Refusal(cause: .signature, description: description)
  }
}
