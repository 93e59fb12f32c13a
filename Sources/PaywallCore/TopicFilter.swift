/// An MQTT topic filter, matched as the standard says.
///
/// Source: MQTT Version 5.0, section 4.7 "Topic Names and Topic Filters"
/// (https://docs.oasis-open.org/mqtt/mqtt/v5.0/os/mqtt-v5.0-os.html#_Toc3901241). Topics and filters
/// are compared as bytes.
public struct TopicFilter: Hashable, Sendable, CustomStringConvertible {
  /// One level of a filter, between two slashes.
  public enum Level: Hashable, Sendable {
    /// These bytes and no others; they may be none.
    case literal([UInt8])
    /// `+`: any one level.
    case anyOne
    /// `#`: the level above and any number of levels below it.
    case anyMore
  }

  /// The levels; at least one.
  public let levels: [Level]
  /// The filter as it was written.
  public let bytes: [UInt8]

  /// As many slashes as Mosquitto takes in a filter or topic (its `TOPIC_HIERARCHY_LIMIT`).
  public static let slashLimit = 200

  /// Reads a filter of 1 to 65,535 bytes of UTF-8 without NUL, and of at most 200 slashes.
  ///
  /// Nil where `+` does not fill a level of its own, or `#` not the last one.
  public init?(_ bytes: some Collection<UInt8>) {
    self.init(array: Array(bytes))
  }

  private init?(array bytes: [UInt8]) {
    guard (1...65_535).contains(bytes.count), !bytes.contains(0),
      String(validating: bytes, as: UTF8.self) != nil
    else { return nil }
    var levels: [Level] = []
    for level in bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
      guard levels.count <= Self.slashLimit, levels.last != .anyMore, let level = Level(level)
      else { return nil }
      levels.append(level)
    }
    self.levels = levels
    self.bytes = bytes
  }

  /// Reads a filter from text, under the same rules.
  public init?(_ text: String) {
    self.init(Array(text.utf8))
  }

  /// The filter as text.
  public var description: String { String(decoding: bytes, as: UTF8.self) }

  /// Whether a message of this topic matches.
  ///
  /// - Complexity: O(length of the topic).
  public func matches(topic: some Collection<UInt8>) -> Bool {
    guard let first = topic.first else { return false }
    if first == UInt8(ascii: "$"), startsWithWildcard { return false }
    var depth = 0
    for level in topic.lazy.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
      guard depth < levels.count else { return false }
      switch levels[depth] {
      case .anyMore: return true
      case .anyOne: break
      case .literal(let bytes):
        guard level.elementsEqual(bytes) else { return false }
      }
      depth += 1
    }
    // `sport/#` matches `sport` too.
    return depth == levels.count || depth == levels.count - 1 && levels[depth] == .anyMore
  }

  /// Whether there is a topic that both filters match.
  public func overlaps(_ other: TopicFilter) -> Bool {
    if startsWithWildcard && other.isReserved || other.startsWithWildcard && isReserved {
      return false
    }
    for depth in 0... {
      let left = depth < levels.count ? levels[depth] : nil
      let right = depth < other.levels.count ? other.levels[depth] : nil
      switch (left, right) {
      case (nil, nil): return true
      case (.anyMore, nil): return !isBelowEmptyLevel(depth)
      case (nil, .anyMore): return !other.isBelowEmptyLevel(depth)
      case (.anyMore, _), (_, .anyMore): return true
      case (nil, _), (_, nil): return false
      case (.literal(let left), .literal(let right)):
        if left != right { return false }
      case (.anyOne, _), (_, .anyOne): break
      }
    }
    return false
  }

  /// Whether every topic that the other filter matches is matched by this one.
  public func covers(_ other: TopicFilter) -> Bool {
    if startsWithWildcard && other.isReserved { return false }
    for depth in 0... {
      let ours = depth < levels.count ? levels[depth] : nil
      let theirs = depth < other.levels.count ? other.levels[depth] : nil
      switch (ours, theirs) {
      case (.anyMore, _), (nil, nil): return true
      case (nil, _), (_, nil): return false
      case (.anyOne, .anyMore):
        // `#` alone stands for at least one level, so `+/#` covers it; `a/+/#` misses `a`.
        let isMoreThanNone = depth == 0 || other.isBelowEmptyLevel(depth)
        return isMoreThanNone && levels.count == depth + 2 && levels[depth + 1] == .anyMore
      case (.literal(let ours), .literal(let theirs)):
        if ours != theirs { return false }
      case (.literal, _): return false
      case (.anyOne, _): break
      }
    }
    return false
  }

  /// Whether the filter begins with `+` or `#`, which match no topic that begins with `$`.
  private var startsWithWildcard: Bool {
    switch levels.first {
    case .anyOne, .anyMore: true
    case .literal, nil: false
    }
  }

  /// Whether a `#` at this depth has nothing above it to match: a topic has at least one character,
  /// so `/#` stands for at least two levels.
  private func isBelowEmptyLevel(_ depth: Int) -> Bool {
    depth == 1 && levels.first == .literal([])
  }

  /// Whether the filter begins with `$`.
  private var isReserved: Bool { bytes.first == UInt8(ascii: "$") }
}

extension TopicFilter.Level {
  init?(_ bytes: some Collection<UInt8>) {
    if bytes.elementsEqual("+".utf8) {
      self = .anyOne
    } else if bytes.elementsEqual("#".utf8) {
      self = .anyMore
    } else {
      let isPlain = !bytes.contains { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "#") }
      guard isPlain else { return nil }
      self = .literal(Array(bytes))
    }
  }
}
