import FoundationEssentials
import IOTACrypto
import PaywallCore

/// What the plugin publishes: JSON objects, with keys in a fixed order.
protocol Message: Encodable {}

extension Message {
  /// The payload.
  var payload: [UInt8] {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // There is nothing in a message that JSON cannot hold.
    return (try? encoder.encode(self)).map { Array($0) } ?? []
  }
}

/// What is told on `$SYS/paywall/key`.
struct KeyMessage: Message {
  let id: String
  let key: String

  init(_ key: MemoKey) {
    id = key.id.text
    self.key = key.text
  }
}
