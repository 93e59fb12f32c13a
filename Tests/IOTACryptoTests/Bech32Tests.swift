import PaywallCore
import Testing

@testable import IOTACrypto

/// The valid and invalid texts are BIP-173's own.
@Suite struct Bech32Tests {
  @Test(arguments: [
    "A12UEL5L", "a12uel5l",
    "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
    "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
    "11qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqc8247j",
    "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w", "?1ezyfcl",
  ])
  func `valid texts are read`(text: String) throws {
    let separator = try #require(text.lastIndex(of: "1"))
    #expect(try Bech32.decodeValues(text).prefix == text[..<separator].lowercased())
  }

  @Test(arguments: [
    "\u{20}1nwldj5", "\u{7F}1axkwrx", "\u{80}1eym55h",
    "an84characterslonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1569pvx",
    "pzry9x0s0muk", "1pzry9x0s0muk", "x1b4n0q5v", "li1dgmt3", "de1lg7wt\u{FF}", "A1G7SGD8",
    "10a06t8", "1qzzfhee", "a12UEL5L", "", "1", "a1",
  ])
  func `invalid texts are refused`(text: String) {
    #expect(throws: Bech32.ParseError.self) { try Bech32.decodeValues(text) }
  }

  @Test func `bytes of every length come back`() throws {
    for count in 0...40 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 37 + count) }
      let (prefix, decoded) = try Bech32.decode(Bech32.encode(prefix: "iota", bytes))
      #expect(prefix == "iota" && decoded == bytes)
    }
  }

  @Test func `left-over bits must be zero and fewer than five`() throws {
    #expect(try Bech32.decode(Bech32.encodeValues(prefix: "iota", [31, 28])).bytes == [0xff])
    for values: [UInt8] in [[0], [31, 29], [31, 30], [31, 28, 0]] {
      #expect(throws: Bech32.ParseError.malformed) {
        try Bech32.decode(Bech32.encodeValues(prefix: "iota", values))
      }
    }
  }
}
