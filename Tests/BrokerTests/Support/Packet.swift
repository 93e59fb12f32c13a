/// A packet of MQTT 3.1.1 as it travels (sections 2 and 3), right or wrong.
struct Packet: Hashable {
  /// Type and flags.
  var first: UInt8
  var body: [UInt8]

  /// Section 2.2.1.
  enum Kind: UInt8 {
    case connack = 2
    case publish = 3
    case suback = 9
    case unsuback = 11
    case pingresp = 13
  }

  /// The type; nil for those that a broker does not send.
  var kind: Kind? { Kind(rawValue: first >> 4) }

  /// The bytes of the packet.
  var bytes: [UInt8] {
    var rest = body.count
    var length: [UInt8] = []
    repeat {
      length.append(UInt8(rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
      rest >>= 7
    } while rest > 0
    return [first] + length + body
  }

  /// CONNECT with a clean session and without keep-alive; each part is given as bytes.
  static func connect(
    clientID: [UInt8], username: [UInt8]? = nil, password: [UInt8]? = nil,
    will: (topic: [UInt8], payload: [UInt8])? = nil, level: UInt8 = 4
  ) -> Packet {
    var flags: UInt8 = 2 | (will == nil ? 0 : 4)
    flags |= (username == nil ? 0 : 0x80) | (password == nil ? 0 : 0x40)
    let properties: [UInt8] = level == 5 ? [0] : []
    let parts = [clientID, will?.topic, will?.payload, username, password]
    return Packet(
      first: 0x10,
      body: field(Array("MQTT".utf8)) + [level, flags, 0, 0] + properties
        + parts.compactMap { $0.map(field) }.joined())
  }

  static func subscribe(_ filter: [UInt8], qos: UInt8 = 0) -> Packet {
    Packet(first: 0x82, body: [0, 1] + field(filter) + [qos])
  }

  static func unsubscribe(_ filter: [UInt8]) -> Packet {
    Packet(first: 0xA2, body: [0, 2] + field(filter))
  }

  static func publish(_ topic: [UInt8], _ payload: [UInt8] = []) -> Packet {
    Packet(first: 0x30, body: field(topic) + payload)
  }

  static func acknowledge(_ id: [UInt8]) -> Packet { Packet(first: 0x40, body: id) }

  static let ping = Packet(first: 0xC0, body: [])
  static let disconnect = Packet(first: 0xE0, body: [])

  /// Bytes with their length before them; section 1.5.3.
  static func field(_ bytes: [UInt8]) -> [UInt8] {
    [UInt8(bytes.count >> 8 & 0xFF), UInt8(bytes.count & 0xFF)] + bytes
  }
}
