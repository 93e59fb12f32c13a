import Foundation

/// What the plug does with a connection: bytes after a while, or nothing at all.
struct WebAnswer {
  var delayMs = 0
  /// Nil: the connection stays open without an answer, until the client or the plug gives up.
  var bytes: [UInt8]?

  /// An answer with the headers of the real device, in its spelling and order.
  ///
  /// It has no keep-alive: the connection is closed behind each answer.
  init(status: String = "200 OK", type: String = "text/xml; charset=\"utf-8\"", body: [UInt8]) {
    let head = [
      "HTTP/1.1 \(status)",
      "CONTENT-LENGTH: \(body.count)",
      "CONTENT-TYPE: \(type)",
      "DATE: \(Self.date())",
      "EXT:",
      "SERVER: Unspecified, UPnP/1.0, Unspecified",
      "X-User-Agent: redsonic",
      "", "",
    ].joined(separator: "\r\n")
    bytes = Array(head.utf8) + body
  }

  init(status: String = "200 OK", type: String = "text/xml; charset=\"utf-8\"", text: String) {
    self.init(status: status, type: type, body: Array(text.utf8))
  }

  /// No answer, ever.
  static var silence: WebAnswer {
    var answer = WebAnswer(text: "")
    answer.bytes = nil
    return answer
  }

  static func page(_ status: String) -> WebAnswer {
    WebAnswer(
      status: status, type: "text/html", text: "<html><body><h1>\(status)</h1></body></html>")
  }

  /// The date as RFC 9110, section 5.6.7, writes it.
  static func date(_ date: Date = Date()) -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(identifier: "GMT")
    formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
    return formatter.string(from: date)
  }
}
