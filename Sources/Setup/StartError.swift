/// Why the plugin does not start: one sentence that says what to change.
public struct StartError: Error, Hashable, CustomStringConvertible {
  /// The sentence.
  public let description: String

  /// An error of the given sentence.
  public init(_ description: String) {
    self.description = description
  }
}
