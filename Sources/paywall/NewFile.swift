import Glibc

/// A file that takes the place of another one whole, or not at all.
final class NewFile {
  private let path: String
  private let temporary: String
  private var descriptor: Int32

  /// An empty file beside the one to be replaced.
  ///
  /// - Parameters:
  ///   - path: The file's name in the end.
  ///   - mode: Who may read it.
  /// - Throws: `NewFileError`.
  init(path: String, mode: mode_t) throws {
    self.path = path
    var name = Array("\(path).XXXXXX".utf8CString)
    descriptor = mkstemp(&name)
    temporary = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard descriptor >= 0 else { throw NewFileError(path: path, code: errno) }
    guard fchmod(descriptor, mode) == 0 else { throw failure() }
  }

  deinit {
    if descriptor >= 0 {
      close(descriptor)
      unlink(temporary)
    }
  }

  /// Appends bytes.
  func write(_ bytes: ArraySlice<UInt8>) throws {
    try bytes.withUnsafeBytes { bytes in
      var rest = bytes
      while !rest.isEmpty {
        let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
        guard count >= 0 || errno == EINTR else { throw failure() }
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(max(0, count)))
      }
    }
  }

  /// Puts the file in its place.
  func finish() throws {
    guard fsync(descriptor) == 0, rename(temporary, path) == 0 else { throw failure() }
    close(descriptor)
    descriptor = -1
  }

  private func failure() -> NewFileError { NewFileError(path: path, code: errno) }
}

/// Why a file cannot be written: one sentence.
struct NewFileError: Error, CustomStringConvertible {
  let path: String
  let code: Int32

  var description: String { "\(path) cannot be written: \(String(cString: strerror(code)))." }
}
