/// Changes inputs a little, or a lot: one pass of one to eight changes.
public struct Mutator<Random: RandomNumberGenerator> {
  private let corpus: [[UInt8]]
  private var random: Random

  /// The most bytes of an input.
  private static var maximumByteCount: Int { 16_384 }
  /// What the formats are made of, and what breaks them.
  private static var tokens: [[UInt8]] {
    [
      "\"", "\\u0000", "\\ud800", "null", "-1", "1e999", "9223372036854775808", "{}", "[[[[", "/",
      "+", "#", "$", "|", "\0", "\n", "<a>", "</a>", "&amp;", "&#0;", "<!DOCTYPE a>", "]]>", "''",
      "\"\"\"", "1979-05-27", "inf", "0x", "username", "sealed",
    ].map { Array($0.utf8) } + [[0xff], [0x80, 0x80], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0x7f]]
  }

  /// A mutator of a corpus.
  public init(corpus: [[UInt8]], random: Random) {
    self.corpus = corpus
    self.random = random
  }

  /// The next input.
  public mutating func next() -> [UInt8] {
    var bytes = corpus.randomElement(using: &random) ?? []
    for _ in 0..<Int.random(in: 1...8, using: &random) { change(&bytes) }
    return Array(bytes.prefix(Self.maximumByteCount))
  }

  private mutating func change(_ bytes: inout [UInt8]) {
    let place = Int.random(in: 0...bytes.count, using: &random)
    let end = min(bytes.count, place + Int.random(in: 0...32, using: &random))
    switch Int.random(in: 0..<7, using: &random) {
    case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 1 where place < bytes.count: bytes[place] = UInt8.random(in: 0...255, using: &random)
    case 2: bytes.removeSubrange(place..<end)
    case 3: bytes.insert(contentsOf: bytes[place..<end], at: place)
    case 4: bytes.removeSubrange(place...)
    case 5:
      let other = corpus.randomElement(using: &random) ?? []
      bytes.replaceSubrange(
        place..., with: other.dropFirst(Int.random(in: 0...other.count, using: &random)))
    default:
      bytes.insert(contentsOf: Self.tokens.randomElement(using: &random) ?? [], at: place)
    }
  }
}
