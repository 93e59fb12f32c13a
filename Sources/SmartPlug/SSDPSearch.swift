/// A search on the local network (UPnP Device Architecture 1.0, section 1.2).
///
/// The question goes out on every interface, by multicast, once a second; the answers come back to
/// the socket that asked.
struct SSDPSearch {
  /// Who answered, and where its description is.
  struct Answer: Hashable {
    /// The unique service name, such as `uuid:Insight-1_0-SERIAL::urn:Belkin:service:basicevent:1`.
    let usn: String
    /// The URL of the description.
    let location: String

    /// The device's own part of the name.
    var udn: String {
      usn.firstRange(of: "::").map { String(usn[..<$0.lowerBound]) } ?? usn
    }
  }

  /// Where the questions go; another one in tests.
  var group = "239.255.255.250"
  var port: UInt16 = 1900

  private static let repeatMs: Int64 = 1000
  private static let sliceMs: Int64 = 100

  /// Asks, and hands over each answer until one is taken, the time is over, or it is cancelled.
  func run(
    target: String, timeoutMs: Int64, cancellation: Cancellation,
    isWanted: (Answer) -> Bool
  ) -> Answer? {
    guard let socket = Datagrams() else { return nil }
    let startMs = MonotonicClock.nowMs()
    var askAtMs = startMs
    while !cancellation.isSet {
      let nowMs = MonotonicClock.nowMs()
      guard nowMs < startMs + timeoutMs else { return nil }
      if nowMs >= askAtMs {
        ask(target, on: socket)
        askAtMs += Self.repeatMs
      }
      let sliceMs = min(Self.sliceMs, startMs + timeoutMs - nowMs)
      guard let (bytes, _) = socket.receive(timeoutMs: sliceMs) else { continue }
      if let answer = Self.answer(bytes), isWanted(answer) { return answer }
    }
    return nil
  }

  /// The words of the search, in the order of those that real plugs have been found with.
  private func ask(_ target: String, on socket: Datagrams) {
    let lines = [
      "M-SEARCH * HTTP/1.1", "ST: \(target)", "MX: 1", "MAN: \"ssdp:discover\"",
      "HOST: 239.255.255.250:1900", "", "",
    ]
    let bytes = Array(lines.joined(separator: "\r\n").utf8)
    // An interface without a route loses it.
    for interface in Datagrams.interfaces() {
      socket.send(bytes, toHost: group, port: port, from: interface)
    }
  }

  /// Reads an answer; nil for anything else.
  static func answer(_ packet: some Sequence<UInt8>) -> Answer? {
    let lines = String(decoding: Array(packet), as: UTF8.self).split(whereSeparator: \.isNewline)
    guard let first = lines.first, first.hasPrefix("HTTP/1."), first.contains(" 200") else {
      return nil
    }
    var fields: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let value = line[line.index(after: colon)...].drop(while: \.isWhitespace)
      let end = value.lastIndex { !$0.isWhitespace }.map(value.index(after:)) ?? value.startIndex
      fields[line[..<colon].lowercased()] = String(value[..<end])
    }
    guard let usn = fields["usn"], let location = fields["location"] else { return nil }
    return Answer(usn: usn, location: location)
  }
}
