/// What has arrived of an answer, never more than was asked for.
final class Answer {
  let maximumBodyBytes: Int
  private(set) var headers: [HTTPRequest.Header] = []
  private(set) var body: [UInt8] = []
  private(set) var isTooLarge = false
  private var headerBytes = 0
  private static let maximumHeaderBytes = 256 << 10

  init(maximumBodyBytes: Int) {
    self.maximumBodyBytes = maximumBodyBytes
  }

  /// Hands libcurl's bytes to the answer behind its context pointer.
  ///
  /// - Returns: How many bytes were taken; fewer than given ends the transfer.
  static func take(
    _ bytes: UnsafeMutablePointer<CChar>?, _ count: Int, _ context: UnsafeMutableRawPointer?,
    _ append: (Answer, UnsafeRawBufferPointer) -> Bool
  ) -> Int {
    guard let bytes, let context, count > 0 else { return 0 }
    let answer = Unmanaged<Answer>.fromOpaque(context).takeUnretainedValue()
    return append(answer, UnsafeRawBufferPointer(start: bytes, count: count)) ? count : 0
  }

  func append(body bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count <= maximumBodyBytes - body.count else {
      isTooLarge = true
      return false
    }
    body.append(contentsOf: bytes)
    return true
  }

  func append(headerLine bytes: UnsafeRawBufferPointer) -> Bool {
    headerBytes += bytes.count
    guard headerBytes <= Self.maximumHeaderBytes else {
      isTooLarge = true
      return false
    }
    let line = String(decoding: bytes, as: UTF8.self)
    if line.hasPrefix("HTTP/") {
      headers = []  // of an interim answer, as 100 Continue
    } else if let colon = line.firstIndex(of: ":") {
      let value = line[line.index(after: colon)...].drop(while: \.isWhitespace)
      let end = value.lastIndex { !$0.isWhitespace }.map(value.index(after:)) ?? value.startIndex
      headers.append(.init(line[..<colon].lowercased(), String(value[..<end])))
    }
    return true
  }
}
