import PaywallCore
import TestSupport
import Testing

struct EncodingTests {
  @Test func `reads and writes addresses`() throws {
    let text = "0x862738192e40540e0a5c9a5aca636f53b0cd76b0a9bef3386e05647feb4914ac"
    let address = try #require(Address(text))
    #expect(address.description == text)
    #expect(Address(text.uppercased().replacing("0X", with: "0x")) == address)
    #expect(
      Address(abbreviated: "0x2")?.description == "0x" + String(repeating: "0", count: 63) + "2")
  }

  @Test(arguments: [
    "", "0x", "0x2", "862738192e40540e0a5c9a5aca636f53b0cd76b0a9bef3386e05647feb4914ac",
    "0x862738192e40540e0a5c9a5aca636f53b0cd76b0a9bef3386e05647feb4914ag",
    "0x862738192e40540e0a5c9a5aca636f53b0cd76b0a9bef3386e05647feb4914acac",
  ])
  func `refuses what is no address`(text: String) {
    #expect(Address(text) == nil)
  }

  @Test func `base58 comes back as it was`() {
    let seed = testSeed()
    var random = SplitMix64(seed: seed)
    for _ in 0..<2000 {
      let zeros = Int.random(in: 0..<4, using: &random)
      let count = Int.random(in: 0..<40, using: &random)
      let bytes =
        Array(repeating: 0, count: zeros)
        + (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      #expect(Base58.decode(Base58.encode(bytes)) == bytes, "seed \(seed)")
    }
    #expect(Base58.encode(Array("Hello World!".utf8)) == "2NEpo7TZRRrLZSi2U")
    #expect(Base58.decode("0OIl") == nil)
  }

  /// One digit at a time, as the draft describes it.
  private func slowBase58(_ bytes: [UInt8]) -> String {
    let alphabet = Array("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")
    var digits: [Int] = []
    for byte in bytes {
      var carry = Int(byte)
      for index in digits.indices {
        carry += digits[index] << 8
        digits[index] = carry % 58
        carry /= 58
      }
      while carry > 0 {
        digits.append(carry % 58)
        carry /= 58
      }
    }
    return String(repeating: "1", count: bytes.prefix { $0 == 0 }.count)
      + String(digits.reversed().map { alphabet[$0] })
  }

  @Test func `base58 is the same as one digit at a time`() {
    let seed = testSeed()
    var random = SplitMix64(seed: seed)
    for count in 0..<70 {
      for limit: UInt8 in [0, 1, 57, 58, 255] {
        let bytes = (0..<count).map { _ in UInt8.random(in: 0...limit, using: &random) }
        #expect(Base58.encode(bytes) == slowBase58(bytes), "\(bytes) seed \(seed)")
        #expect(Base58.decode(slowBase58(bytes)) == bytes, "\(bytes) seed \(seed)")
      }
    }
  }

  @Test func `digests are ordered by their bytes`() throws {
    let low = try #require(Digest(bytes: [0, 0xFF] + Array(repeating: 0, count: 30)))
    let high = try #require(Digest(bytes: [1] + Array(repeating: 0, count: 31)))
    #expect(low < high)
    #expect(Digest(low.description) == low)
    #expect(Digest("8VbtYoj2CqeRE3KTzAXUh5xe1mV4kQPeVSXUWu4CqJAv") != nil)
    #expect(Digest(String(repeating: "z", count: 45)) == nil)
    #expect(Digest("") == nil)
  }
}
