/// What must never happen, and did.
public struct BrokenPromise: Error, CustomStringConvertible {
  /// What is promised after every step.
  public enum Promise: String, Sendable {
    case access = "(a) nobody reads a sold topic without paid or granted time"
    case time = "(b) everybody who paid can read, and is made good for the rest"
    case once = "(c) each payment counts exactly once"
    case restart = "(d) a restart changes nothing of what may be read"
    case history = "(e) what is bought is what a fresh ledger makes of the history"
    case login = "a login is right while its password is"
    case clock = "the tangle's clock counts"
    case error = "nothing fails but what a fault makes fail"
  }

  /// The promise.
  public let promise: Promise
  /// What was found.
  public let description: String

  init(_ promise: Promise, _ description: String) {
    self.promise = promise
    self.description = "\(promise.rawValue): \(description)"
  }
}
