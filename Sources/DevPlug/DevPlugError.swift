/// Why the development plug could not be started, or what was wrong with a fault it was told.
public struct DevPlugError: Error, Hashable, CustomStringConvertible {
  /// One sentence: what, where, what to do.
  public let description: String

  init(_ description: String) { self.description = description }
}
