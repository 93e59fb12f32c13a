/// A hash of short byte strings that clients choose, under a random key: nobody can choose strings
/// that collide without knowing it.
///
/// Each step multiplies two words to 128 bits and folds the halves. All that enters a multiplication
/// is mixed with the key first, so that no input is known to make a factor zero.
///
/// Source: Wang Yi, Diego Barrios Romero et al., "wyhash and wyrand"
/// (https://github.com/wangyi-fudan/wyhash), with keys of our own in place of its constants.
struct KeyedHash: Sendable {
  private let keys: (UInt64, UInt64, UInt64)

  /// A hash under a new random key.
  init() {
    var random = SystemRandomNumberGenerator()
    self.init(keys: (random.next(), random.next(), random.next()))
  }

  /// A hash under a given key.
  init(keys: (UInt64, UInt64, UInt64)) {
    self.keys = keys
  }

  /// The hash of some bytes.
  ///
  /// - Complexity: O(length of the bytes), 16 at a time.
  @inline(__always)
  func callAsFunction(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    guard let start = bytes.baseAddress else { return keys.2 }
    let count = bytes.count
    var state = keys.2 ^ UInt64(truncatingIfNeeded: count)
    var offset = 0
    while count &- offset > 16 {
      state = fold(word(start, offset), word(start, offset &+ 8), state)
      offset &+= 16
    }
    // The last 1 to 16 bytes, in two words that may overlap.
    let rest = count &- offset
    if rest >= 8 {
      return fold(word(start, offset), word(start, count &- 8), state)
    } else if rest >= 4 {
      return fold(half(start, offset), half(start, count &- 4), state)
    } else if rest > 0 {
      let middle = byte(start, offset &+ rest >> 1)
      return fold(byte(start, offset) << 8 | middle, byte(start, count &- 1), state)
    }
    return fold(0, 0, state)
  }

  @inline(__always)
  private func fold(_ left: UInt64, _ right: UInt64, _ state: UInt64) -> UInt64 {
    let product = (left ^ keys.0 ^ state).multipliedFullWidth(by: right ^ keys.1)
    return product.low ^ product.high
  }

  @inline(__always)
  private func word(_ start: UnsafeRawPointer, _ offset: Int) -> UInt64 {
    start.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
  }

  @inline(__always)
  private func half(_ start: UnsafeRawPointer, _ offset: Int) -> UInt64 {
    UInt64(start.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  @inline(__always)
  private func byte(_ start: UnsafeRawPointer, _ offset: Int) -> UInt64 {
    UInt64(start.load(fromByteOffset: offset, as: UInt8.self))
  }
}
