import Glibc

@testable import DevPlug

/// Sends bytes to a port of 127.0.0.1 and reads all that comes until the peer closes.
enum RawClient {
  /// Nil when the connection is refused; an empty array when nothing comes in time.
  static func exchange(_ text: String, port: UInt16, timeoutMs: Int = 5000) throws -> [UInt8]? {
    let socket = try Descriptor(Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0), "socket")
    let address = try sockaddr_in("127.0.0.1", port: port)
    guard address.withPointer({ connect(socket.number, $0, $1) }) == 0 else { return nil }
    let bytes = Array(text.utf8)
    _ = send(socket.number, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    var received: [UInt8] = []
    let never = try StopSignal()
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while socket.waitUntilReadable(orStopped: never, timeoutMs: timeoutMs) {
      let count = recv(socket.number, &buffer, buffer.count, 0)
      guard count > 0 else { break }
      received += buffer[..<count]
    }
    return received
  }

  static func get(_ path: String, _ plug: DevPlug) throws -> String? {
    try exchange("GET \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", port: port(of: plug)).map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  static func post(_ path: String, headers: [String] = [], _ body: String, _ plug: DevPlug) throws
    -> String?
  {
    let head = ["POST \(path) HTTP/1.1", "Host: 127.0.0.1", "Content-Length: \(body.utf8.count)"]
    let text = (head + headers + ["", body]).joined(separator: "\r\n")
    return try exchange(text, port: port(of: plug)).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Asks for an action of a service, as clients do.
  static func call(
    _ action: String, of service: String, arguments: String = "", _ plug: DevPlug
  ) throws -> String? {
    let type = "urn:Belkin:service:\(service):1"
    return try post(
      "/upnp/control/\(service)1", headers: ["SOAPACTION: \"\(type)#\(action)\""],
      envelope(action, type, arguments), plug)
  }

  static func envelope(_ action: String, _ type: String, _ arguments: String = "") -> String {
    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<s:Envelope "
      + "xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><u:\(action) "
      + "xmlns:u=\"\(type)\">\(arguments)</u:\(action)></s:Body></s:Envelope>"
  }

  static func port(of plug: DevPlug) -> UInt16 {
    let port = plug.url.split(separator: ":").last?.split(separator: "/").first
    return port.flatMap { UInt16($0) } ?? 0
  }

  /// The fields of InsightParams as the plug reports them now.
  static func params(_ plug: DevPlug) throws -> [String] {
    let answer = try call("GetInsightParams", of: "insight", plug) ?? ""
    let text = answer.split(separator: "<InsightParams>").last?.split(separator: "<").first ?? ""
    return text.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
  }
}
