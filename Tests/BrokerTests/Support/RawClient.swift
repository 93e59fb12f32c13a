/// An MQTT 3.1.1 client that sends what no library would: names of any bytes, an end without
/// DISCONNECT.
final class RawClient {
  /// A client that wants to connect.
  struct Options {
    var clientID = Array("raw-\(UInt64.random(in: .min ... .max))".utf8)
    var username: [UInt8]?
    var password: [UInt8]?
    var isClean = true
    var isWebSocket = false

    /// The login of a broker account.
    static func account(_ name: String, clientID: String? = nil) -> Options {
      var options = Options(
        username: Array(name.utf8), password: Array(Mosquitto.password(of: name).utf8))
      if let clientID { options.clientID = Array(clientID.utf8) }
      return options
    }
  }

  /// What a broker answers to CONNECT.
  enum Answer: Hashable {
    /// MQTT 3.1.1, section 3.2.2.3; 0 accepts.
    case code(UInt8)
    case closed
  }

  private struct Packet {
    var type: UInt8
    var flags: UInt8
    var body: [UInt8]
  }

  private let stream: ByteStream
  private let options: Options
  private var rest: [UInt8] = []
  private var isClosed = false
  /// The text of all messages so far, by topic.
  private(set) var arrivals: [(topic: String, text: String)] = []

  init(port: UInt16, _ options: Options) throws {
    stream = try ByteStream(port: port, isWebSocket: options.isWebSocket)
    self.options = options
  }

  /// Sends CONNECT and waits for the answer.
  func connect() throws -> Answer {
    var flags: UInt8 = options.isClean ? 2 : 0
    var payload = Self.field(options.clientID)
    if let username = options.username {
      flags |= 0x80
      payload += Self.field(username)
    }
    if let password = options.password {
      flags |= 0x40
      payload += Self.field(password)
    }
    send(0x10, Self.field(Array("MQTT".utf8)) + [4, flags, 0, 60] + payload)
    guard let packet = try next(2) else { return .closed }
    return .code(packet.body.last ?? 0xFF)
  }

  /// Subscribes with QoS 0, and waits for the answer.
  ///
  /// - Returns: Its code; nil where the broker has closed the connection.
  @discardableResult
  func subscribe(to filter: String) throws -> UInt8? {
    send(0x82, [0, 1] + Self.field(Array(filter.utf8)) + [0])
    return try next(9)?.body.last
  }

  /// Waits until all that the broker has sent so far has come.
  ///
  /// - Returns: Whether the connection still lasts.
  func drain() throws -> Bool {
    send(0xC0, [])
    return try next(13) != nil
  }

  /// Waits for a message of a topic; false where the connection ends first.
  func awaits(_ topic: String, where isWanted: (String) -> Bool = { _ in true }) throws -> Bool {
    while true {
      if arrivals.contains(where: { $0.topic == topic && isWanted($0.text) }) { return true }
      guard try receive() != nil else { return false }
    }
  }

  /// How many messages of a topic have come.
  func count(of topic: String) -> Int { arrivals.count { $0.topic == topic } }

  /// Ends the connection without DISCONNECT, in order.
  func close() { stream.close() }

  /// Ends the connection without DISCONNECT, with a reset.
  func reset() { stream.reset() }

  // MARK: - Packets

  private func send(_ head: UInt8, _ body: [UInt8]) {
    var length: [UInt8] = []
    var count = body.count
    repeat {
      let digit = UInt8(count % 128)
      count /= 128
      length.append(count > 0 ? digit | 0x80 : digit)
    } while count > 0
    stream.send([head] + length + body)
  }

  private static func field(_ bytes: [UInt8]) -> [UInt8] {
    [UInt8(truncatingIfNeeded: bytes.count >> 8), UInt8(truncatingIfNeeded: bytes.count)] + bytes
  }

  /// The next packet of a type; nil where the connection ends first.
  private func next(_ type: UInt8) throws -> Packet? {
    while let packet = try receive() {
      if packet.type == type { return packet }
    }
    return nil
  }

  private func receive() throws -> Packet? {
    while !isClosed {
      if let packet = takePacket() {
        note(packet)
        return packet
      }
      guard let bytes = try stream.receive() else { break }
      rest += bytes
    }
    isClosed = true
    return nil
  }

  private func takePacket() -> Packet? {
    guard let end = rest.indices.dropFirst().first(where: { rest[$0] < 0x80 }) else { return nil }
    let count = rest[1...end].reversed().reduce(0) { $0 << 7 | Int($1 & 0x7F) }
    guard rest.count > end + count else { return nil }
    let packet = Packet(
      type: rest[0] >> 4, flags: rest[0] & 0x0F, body: Array(rest[(end + 1)..<(end + 1 + count)]))
    rest.removeFirst(end + 1 + count)
    return packet
  }

  /// Keeps the message of a PUBLISH with QoS 0.
  private func note(_ packet: Packet) {
    guard packet.type == 3, packet.body.count >= 2 else { return }
    let count = Int(packet.body[0]) << 8 | Int(packet.body[1])
    let body = packet.body.dropFirst(2)
    arrivals.append(
      (
        String(decoding: body.prefix(count), as: UTF8.self),
        String(decoding: body.dropFirst(count), as: UTF8.self)
      ))
  }
}
