/// A question for the services on the local network, and what answers it (RFC 6762 and RFC 6763).
///
/// Asked from a port other than 5353, devices answer to that port alone (RFC 6762, section 6.7), so
/// whoever answers is the sender of the datagram.
enum ServiceQuestion {
  static let group = "224.0.0.251"
  static let port: UInt16 = 5353

  private static let pointerType: UInt16 = 12
  private static let maximumNameBytes = 255

  /// One datagram that asks for the instances of each service, such as `_shelly._tcp.local`.
  static func datagram(_ services: [String]) -> [UInt8] {
    let count = UInt8(truncatingIfNeeded: services.count)
    var bytes: [UInt8] = [0, 1, 0, 0, 0, count, 0, 0, 0, 0, 0, 0]
    for service in services {
      for label in service.split(separator: ".") {
        bytes.append(UInt8(truncatingIfNeeded: label.utf8.count))
        bytes += label.utf8
      }
      bytes += [0, 0, UInt8(pointerType), 0, 1]
    }
    return bytes
  }

  /// The instances that a datagram names, by their services; none where it is no answer.
  static func instances(_ datagram: [UInt8]) -> [(service: String, name: String)] {
    var reader = Reader(bytes: datagram)
    reader.position = 2
    guard let flags = reader.number(), flags & 0x8000 != 0, let questions = reader.number(),
      let answers = reader.number(), let authorities = reader.number(),
      let additions = reader.number()
    else { return [] }
    for _ in 0..<questions {
      guard reader.name() != nil, reader.skip(4) else { return [] }
    }
    var found: [(service: String, name: String)] = []
    for _ in 0..<(Int(answers) + Int(authorities) + Int(additions)) {
      // Name, type, class, seconds to live, and the length of what follows.
      guard let owner = reader.name(), let type = reader.number(), reader.skip(6),
        let length = reader.number()
      else { return found }
      let next = reader.position + Int(length)
      if type == pointerType, let target = reader.name(), let instance = target.first {
        found.append((owner.joined(separator: ".").lowercased(), instance))
      }
      guard next <= datagram.count else { return found }
      reader.position = next
    }
    return found
  }

  /// Reads a DNS message (RFC 1035, section 4.1); everything beyond its end is nil.
  private struct Reader {
    let bytes: [UInt8]
    var position = 0

    mutating func number() -> UInt16? {
      guard position + 2 <= bytes.count else { return nil }
      defer { position += 2 }
      return UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1])
    }

    mutating func skip(_ count: Int) -> Bool {
      position += count
      return position <= bytes.count
    }

    /// The labels of a name.
    ///
    /// A pointer has to lead back, so that names come to an end.
    mutating func name() -> [String]? {
      var labels: [String] = []
      var place = position
      var end: Int?
      var length = 0
      while place < bytes.count {
        let head = Int(bytes[place])
        if head == 0 {
          position = end ?? place + 1
          return labels
        }
        if head & 0xC0 == 0xC0 {
          guard place + 1 < bytes.count else { return nil }
          let target = (head & 0x3F) << 8 | Int(bytes[place + 1])
          guard target < place else { return nil }
          end = end ?? place + 2
          place = target
          length += 1
        } else {
          guard head < 64, place + 1 + head <= bytes.count else { return nil }
          labels.append(String(decoding: bytes[(place + 1)..<(place + 1 + head)], as: UTF8.self))
          place += 1 + head
          length += 1 + head
        }
        guard length <= maximumNameBytes else { return nil }
      }
      return nil
    }
  }
}
