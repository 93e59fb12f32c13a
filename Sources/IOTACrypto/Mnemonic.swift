import CSodium

/// A wallet's secret as words that people can write down.
///
/// Source: BIP-39, https://github.com/bitcoin/bips/blob/master/bip-0039.mediawiki; without its
/// optional passphrase, as IOTA's wallets use it.
public struct Mnemonic: Sendable, CustomStringConvertible {
  /// The words, in lower case.
  ///
  /// A secret: whoever reads them has the money.
  public let words: [String]

  /// Why words are no mnemonic.
  public enum ParseError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Not 12, 15, 18, 21 or 24 words.
    case wordCount(Int)
    /// The word at this position, from 1, is not in the list.
    case unknownWord(position: Int)
    /// All are words of the list, but they do not belong together.
    case checksum

    /// What is wrong; no part of the words.
    public var description: String {
      switch self {
      case .wordCount(let count):
        "A mnemonic has 12, 15, 18, 21 or 24 words, not \(count)."
      case .unknownWord(let position):
        "Word \(position) of the mnemonic is not in the English list of BIP-39: check its spelling."
      case .checksum:
        "The mnemonic's checksum does not match: a word is wrong, or the order is."
      }
    }
  }

  /// A new random mnemonic of 24 words.
  public init() {
    var entropy = randomBytes(count: 32)
    defer { wipe(&entropy) }
    self.init(entropy: entropy)
  }

  /// The mnemonic of 16, 20, 24, 28 or 32 bytes.
  init(entropy: [UInt8]) {
    var bytes = entropy + [Self.checksum(of: entropy)]
    defer { wipe(&bytes) }
    // One bit of checksum for every 32 bits of entropy makes a multiple of 11.
    words = (0..<entropy.count * 3 / 4).map { word in
      let index = (0..<11).reduce(0) { index, bit in
        let position = word * 11 + bit
        return index << 1 | Int(bytes[position / 8] >> (7 - UInt8(position % 8)) & 1)
      }
      return Self.englishWords[index]
    }
  }

  /// Reads words that white space separates, of either case.
  public init(_ text: some StringProtocol) throws(ParseError) {
    let words = text.split(whereSeparator: \.isWhitespace).map { $0.lowercased() }
    guard [12, 15, 18, 21, 24].contains(words.count) else { throw .wordCount(words.count) }
    var bytes = [UInt8](repeating: 0, count: words.count * 4 / 3 + 1)
    defer { wipe(&bytes) }
    for (position, word) in words.enumerated() {
      guard let index = Self.englishWords.firstIndex(of: word) else {
        throw .unknownWord(position: position + 1)
      }
      for bit in 0..<11 where index >> (10 - bit) & 1 == 1 {
        let target = position * 11 + bit
        bytes[target / 8] |= 0x80 >> UInt8(target % 8)
      }
    }
    let entropy = Array(bytes.dropLast())
    guard bytes.last == Self.checksum(of: entropy) else { throw .checksum }
    self.words = words
  }

  /// The first bits of SHA-256, one for every 4 bytes, at the top of a byte.
  private static func checksum(of entropy: [UInt8]) -> UInt8 {
    var hash = [UInt8](repeating: 0, count: Int(crypto_hash_sha256_BYTES))
    crypto_hash_sha256(&hash, entropy, UInt64(entropy.count))
    return hash[0] & ~(0xff >> UInt8(entropy.count / 4))
  }

  /// The 64-byte seed of all keys: PBKDF2 with HMAC-SHA512, 2048 rounds.
  var seed: [UInt8] {
    HMACSHA512.pbkdf2(
      password: Array(words.joined(separator: " ").utf8), salt: Array("mnemonic".utf8),
      iterations: 2048)
  }

  /// Nothing of the words.
  public var description: String { "a mnemonic of \(words.count) words" }
}
