import Glibc

/// A request as the plug's web server reads it.
struct WebRequest {
  var method: String
  var path: String
  /// Names in lower case.
  var headers: [String: String]
  var body: [UInt8]

  static let maximumHeadBytes = 16_384
  static let maximumBodyBytes = 65_536

  /// Reads one request from a connection.
  /// - Returns: nil when it does not come within ten seconds, is no HTTP, or is too long.
  static func read(from connection: Descriptor, stop: StopSignal) -> WebRequest? {
    var bytes: [UInt8] = []
    let end = Array("\r\n\r\n".utf8)
    var headEnd: Int?
    while headEnd == nil {
      guard bytes.count <= maximumHeadBytes, let more = receive(from: connection, stop: stop) else {
        return nil
      }
      bytes += more
      headEnd = bytes.firstRange(of: end)?.upperBound
    }
    guard let headEnd, var request = WebRequest(head: bytes[..<headEnd]) else { return nil }
    let length = Int(request.headers["content-length"] ?? "0") ?? -1
    guard (0...maximumBodyBytes).contains(length) else { return nil }
    request.body = Array(bytes[headEnd...])
    while request.body.count < length {
      guard let more = receive(from: connection, stop: stop) else { return nil }
      request.body += more
    }
    request.body = Array(request.body.prefix(length))
    return request
  }

  private init?(head: ArraySlice<UInt8>) {
    let lines = String(decoding: head, as: UTF8.self).split(
      separator: "\r\n", omittingEmptySubsequences: true)
    guard let first = lines.first?.split(separator: " "), first.count == 3 else { return nil }
    method = String(first[0])
    path = String(first[1])
    headers = [:]
    body = []
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { return nil }
      let value = parts[1].drop { $0 == " " }
      headers[parts[0].lowercased()] = String(value)
    }
  }

  private static func receive(from connection: Descriptor, stop: StopSignal) -> [UInt8]? {
    guard connection.waitUntilReadable(orStopped: stop, timeoutMs: 10_000) else { return nil }
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = recv(connection.number, &buffer, buffer.count, 0)
    return count > 0 ? Array(buffer.prefix(count)) : nil
  }
}
