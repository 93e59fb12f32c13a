import IOTACrypto
import PaywallCore

/// The positional parameters of a call.
struct Parameters {
  let values: [JSON]

  /// The parameter, or nil where it is missing or null.
  func optional(_ index: Int) -> JSON? {
    guard values.indices.contains(index), values[index] != .null else { return nil }
    return values[index]
  }

  func required(_ index: Int, _ name: String) throws(RPCError) -> JSON {
    guard let value = optional(index) else {
      throw .invalid("Invalid params: \(name), parameter \(index + 1), is missing.")
    }
    return value
  }

  func string(_ index: Int, _ name: String) throws(RPCError) -> String {
    guard let text = try required(index, name).string else { throw mistyped(index, name, "text") }
    return text
  }

  func array(_ index: Int, _ name: String) throws(RPCError) -> [JSON] {
    guard let elements = try required(index, name).array else {
      throw mistyped(index, name, "an array")
    }
    return elements
  }

  func address(_ index: Int, _ name: String) throws(RPCError) -> Address {
    guard let address = Address(abbreviated: try string(index, name)) else {
      throw mistyped(index, name, "0x and up to 64 hexadecimal digits")
    }
    return address
  }

  func digest(_ index: Int, _ name: String) throws(RPCError) -> Digest {
    guard let digest = Digest(try string(index, name)) else {
      throw mistyped(index, name, "32 bytes in base58")
    }
    return digest
  }

  func base64(_ index: Int, _ name: String) throws(RPCError) -> [UInt8] {
    guard let bytes = Base64.decode(try string(index, name)) else {
      throw mistyped(index, name, "base64")
    }
    return bytes
  }

  func bool(_ index: Int, _ name: String) throws(RPCError) -> Bool {
    guard let value = optional(index) else { return false }
    guard let flag = value.bool else { throw mistyped(index, name, "true or false") }
    return flag
  }

  /// The size of a page: 50, unless a smaller one is asked for; 0 asks for 50.
  func pageLimit(_ index: Int) throws(RPCError) -> Int {
    guard let value = optional(index) else { return Self.largestPage }
    guard let number = value.int, number >= 0 else {
      throw mistyped(index, "limit", "a number of entries")
    }
    return number == 0 ? Self.largestPage : min(Int(number), Self.largestPage)
  }

  /// `RPC_QUERY_MAX_RESULT_LIMIT`.
  static let largestPage = 50

  private func mistyped(_ index: Int, _ name: String, _ expected: String) -> RPCError {
    .invalid("Invalid params: \(name), parameter \(index + 1), must be \(expected).")
  }
}
