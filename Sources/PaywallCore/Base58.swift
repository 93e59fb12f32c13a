/// Base58 with Bitcoin's alphabet, as IOTA writes digests.
///
/// Five digits are converted at a time, in words of 32 bits.
///
/// Source: https://datatracker.ietf.org/doc/html/draft-msporny-base58-03
public enum Base58 {
  private static let alphabet = Array(
    "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".utf8)
  /// What each byte stands for; 58 where it is not of the alphabet.
  private static let values: [UInt8] = {
    var values = [UInt8](repeating: 58, count: 256)
    for (value, digit) in alphabet.enumerated() { values[Int(digit)] = UInt8(value) }
    return values
  }()
  private static let groupCount = 5
  /// 58⁵, less than 2³⁰.
  private static let groupBase: UInt64 = 656_356_768

  /// The text that stands for the bytes.
  ///
  /// - Complexity: O(*n*²) in the number of bytes.
  public static func encode(_ bytes: some Collection<UInt8>) -> String {
    var words = words(bytes)
    var text: [UInt8] = []  // little endian
    text.reserveCapacity(bytes.count * 7 / 5 + groupCount)
    var first = 0
    while true {
      while first < words.count, words[first] == 0 { first += 1 }
      guard first < words.count else { break }
      var rest: UInt64 = 0
      for index in first..<words.count {
        let value = rest << 32 | UInt64(words[index])
        words[index] = UInt32(truncatingIfNeeded: value / groupBase)
        rest = value % groupBase
      }
      for _ in 0..<groupCount {
        text.append(alphabet[Int(rest % 58)])
        rest /= 58
      }
    }
    // The last group may have had fewer digits.
    while text.last == alphabet[0] { text.removeLast() }
    for byte in bytes {
      guard byte == 0 else { break }
      text.append(alphabet[0])
    }
    text.reverse()
    return String(decoding: text, as: UTF8.self)
  }

  /// The bytes that the text stands for, or nil where a character is not of the alphabet.
  ///
  /// - Complexity: O(*n*²) in the length of the text.
  public static func decode(_ text: some StringProtocol) -> [UInt8]? {
    var words: [UInt32] = []  // little endian
    words.reserveCapacity(text.utf8.count / groupCount + 1)
    var value: UInt64 = 0
    var base: UInt64 = 1
    var zeros = 0
    var isStart = true
    for character in text.utf8 {
      let digit = values[Int(character)]
      guard digit < 58 else { return nil }
      isStart = isStart && digit == 0
      if isStart { zeros += 1 }
      value = value * 58 + UInt64(digit)
      base *= 58
      guard base == groupBase else { continue }
      append(value, base: base, to: &words)
      (value, base) = (0, 1)
    }
    append(value, base: base, to: &words)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(4 * words.count + zeros)
    for word in words {
      for shift: UInt32 in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
    }
    while bytes.last == 0 { bytes.removeLast() }
    bytes.append(contentsOf: repeatElement(0, count: zeros))
    bytes.reverse()
    return bytes
  }

  /// Multiplies a number by a base, and adds a digit of it.
  private static func append(_ digit: UInt64, base: UInt64, to words: inout [UInt32]) {
    var carry = digit
    for index in words.indices {
      carry += UInt64(words[index]) * base
      words[index] = UInt32(truncatingIfNeeded: carry)
      carry >>= 32
    }
    if carry > 0 { words.append(UInt32(truncatingIfNeeded: carry)) }
  }

  /// The bytes as a number in words, big endian.
  private static func words(_ bytes: some Collection<UInt8>) -> [UInt32] {
    var words = [UInt32](repeating: 0, count: (bytes.count + 3) / 4)
    var place = words.count * 4 - bytes.count
    for byte in bytes {
      words[place / 4] |= UInt32(byte) << UInt32(24 - place % 4 * 8)
      place += 1
    }
    return words
  }
}
