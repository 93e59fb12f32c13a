import ArgumentParser

/// Why a broker is of no use: one sentence.
struct BrokerError: Error, Hashable, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }

  /// The exit code where a broker cannot be reached, refuses, or is no paywall.
  static let exitCode: Int32 = 6
}
