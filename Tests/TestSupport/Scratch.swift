public import Foundation

/// A folder that lasts as long as this object.
public final class Scratch {
  /// The folder.
  public let url: URL

  /// A new, empty folder.
  ///
  /// - Throws: Where the system refuses to make one.
  public init() throws {
    url = FileManager.default.temporaryDirectory
      .appendingPathComponent("paywall-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(at: url)
  }

  /// The path of a file in the folder.
  public func path(_ name: String) -> String {
    url.appendingPathComponent(name).path
  }

  /// Writes a file into the folder.
  ///
  /// - Returns: Its path.
  /// - Throws: Where it cannot be written.
  @discardableResult
  public func write(_ text: String, to name: String) throws -> String {
    try text.write(toFile: path(name), atomically: false, encoding: .utf8)
    return path(name)
  }
}
