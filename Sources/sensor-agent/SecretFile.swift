import Foundation

/// A file whose first line is a password or a token.
enum SecretFile {
  /// Reads the first line.
  /// - Throws: when the file cannot be read or is empty; its content is never shown.
  static func firstLine(of path: String, what: String) throws(AgentError) -> String {
    guard let data = FileManager.default.contents(atPath: path),
      let text = String(validating: data, as: UTF8.self)
    else {
      throw AgentError(
        "The \(what) file \(path) cannot be read; is it there, readable for this user, and UTF-8?")
    }
    let line = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    guard !line.isEmpty else {
      throw AgentError("The \(what) file \(path) is empty; put the \(what) in line 1.")
    }
    return line
  }
}
