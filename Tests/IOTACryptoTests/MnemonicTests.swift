import PaywallCore
import Testing

@testable import IOTACrypto

@Suite struct MnemonicTests {
  @Test func `the word list is BIP-39's, in order`() {
    #expect(Mnemonic.englishWords.count == 2048)
    #expect(Set(Mnemonic.englishWords).count == 2048)
    #expect(Mnemonic.englishWords == Mnemonic.englishWords.sorted())
    #expect(Mnemonic.englishWords.first == "abandon" && Mnemonic.englishWords.last == "zoo")
    // BIP-39: the first four letters are enough to tell the words apart.
    #expect(Set(Mnemonic.englishWords.map { $0.prefix(4) }).count == 2048)
  }

  /// Vectors of https://github.com/trezor/python-mnemonic/blob/master/vectors.json.
  @Test(arguments: [
    (
      "00000000000000000000000000000000",
      "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
    ),
    (
      "7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f",
      "legal winner thank year wave sausage worth useful legal winner thank yellow"
    ),
    (
      "808080808080808080808080808080808080808080808080",
      "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd "
        + "amount doctor acoustic avoid letter always"
    ),
    (
      "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo "
        + "vote"
    ),
  ])
  func `entropy makes the words that BIP-39 says`(entropy: String, words: String) throws {
    let mnemonic = Mnemonic(entropy: try #require(Hex.decode(entropy)))
    #expect(mnemonic.words.joined(separator: " ") == words)
    #expect(try Mnemonic(words).words == mnemonic.words)
  }

  @Test func `a new mnemonic has 24 words and is read back, whatever the spacing and case`() throws
  {
    let mnemonic = Mnemonic()
    #expect(mnemonic.words.count == 24)
    let text = "  " + mnemonic.words.joined(separator: "\n ").uppercased() + "\n"
    #expect(PrivateKey(try Mnemonic(text)).address == PrivateKey(mnemonic).address)
    #expect(Mnemonic().words != mnemonic.words)
  }

  @Test func `of all last words, one in sixteen fits the other eleven`() {
    let eleven = String(repeating: "abandon ", count: 11)
    let fitting = Mnemonic.englishWords.filter { (try? Mnemonic(eleven + $0)) != nil }
    #expect(fitting.count == 128 && fitting.contains("about"))
  }

  @Test func `errors say where, and never what`() {
    #expect(throws: Mnemonic.ParseError.wordCount(2)) { try Mnemonic("legal winner") }
    #expect(throws: Mnemonic.ParseError.wordCount(0)) { try Mnemonic(" \n") }
    let wrong = "legal winner thank year wave sausage worth useful legal winner thank"
    #expect(throws: Mnemonic.ParseError.unknownWord(position: 12)) {
      try Mnemonic(wrong + " yelow")
    }
    #expect(throws: Mnemonic.ParseError.checksum) { try Mnemonic(wrong + " zoo") }
    #expect(!"\(Mnemonic.ParseError.unknownWord(position: 12))".contains("yelow"))
  }
}
