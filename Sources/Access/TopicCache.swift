import Glibc

/// The classes of topics that were asked about lately, for a topic is asked about once for each of
/// its subscribers.
///
/// Topics that share a slot only evict each other, so that a flood of topics costs time but no
/// memory. Topics too long for a slot share a single one. A class that was found is where it was
/// found until the next one is kept.
struct TopicCache: ~Copyable, Sendable {
  /// How many bytes of topic fit into a slot of two cache lines.
  static let longestShort = 91
  /// A topic's length in MQTT; with a mount point before it, it may be longer, and is not kept.
  static let longestLong = 65_535

  struct Slot: BitwiseCopyable {
    /// First, so that a pointer to the slot is one to the topic; with a NUL behind it.
    var topic: InlineArray<92, UInt8>
    /// Zero where the slot is empty.
    var count: UInt32
    var topicClass: TopicClass
  }

  private let hash = KeyedHash()
  private let slots: FlatBuffer<Slot>
  private let mask: Int
  private let long = FlatBuffer<UInt8>(zeros: TopicCache.longestLong)
  private var longCount = 0
  /// Of the long topic, and of one that is not kept.
  private let longClasses = FlatBuffer<TopicClass>(zeros: 2)
  /// The slot where the last topic was found.
  private var latest = 0

  /// An empty cache, of at least so many slots.
  init(slots count: Int) {
    var power = 1
    while power < count { power *= 2 }
    slots = FlatBuffer(zeros: power)
    mask = power - 1
  }

  /// The class of a topic, where that is the one that was asked about last: so it is for all but the
  /// first subscriber of a message.
  ///
  /// One pass over the topic tells, for which its length need not be known.
  @inline(__always)
  func findLatest(_ topic: UnsafePointer<CChar>) -> UnsafePointer<TopicClass>? {
    let slot = slots.pointer(latest)
    guard slot.pointee.count > 0,
      strcmp(UnsafeRawPointer(slot).assumingMemoryBound(to: CChar.self), topic) == 0
    else { return nil }
    return Self.topicClass(slot)
  }

  /// The class of a topic, where it is known.
  @inline(__always)
  mutating func find(_ topic: UnsafeRawBufferPointer) -> UnsafePointer<TopicClass>? {
    guard let start = topic.baseAddress, topic.count > 0 else { return nil }
    guard topic.count <= Self.longestShort else { return findLong(topic) }
    let number = slotNumber(topic)
    let slot = slots.pointer(number)
    guard slot.pointee.count == UInt32(truncatingIfNeeded: topic.count),
      memcmp(slot, start, topic.count) == 0
    else { return nil }
    latest = number
    return Self.topicClass(slot)
  }

  /// Keeps the class of a topic, in place of another's.
  mutating func keep(
    _ topicClass: TopicClass, for topic: UnsafeRawBufferPointer
  ) -> UnsafePointer<TopicClass> {
    guard let start = topic.baseAddress, (1...long.count).contains(topic.count) else {
      longClasses[1] = topicClass
      return UnsafePointer(longClasses.pointer(1))
    }
    guard topic.count <= Self.longestShort else {
      memcpy(long.pointer(0), start, topic.count)
      longCount = topic.count
      longClasses[0] = topicClass
      return UnsafePointer(longClasses.pointer(0))
    }
    latest = slotNumber(topic)
    let slot = slots.pointer(latest)
    memset(slot, 0, MemoryLayout<Slot>.size)
    memcpy(slot, start, topic.count)
    slot.pointee.count = UInt32(truncatingIfNeeded: topic.count)
    slot.pointee.topicClass = topicClass
    return Self.topicClass(slot)
  }

  @inline(__always)
  private func slotNumber(_ topic: UnsafeRawBufferPointer) -> Int {
    Int(truncatingIfNeeded: hash(topic)) & mask
  }

  @inline(__always)
  private static func topicClass(_ slot: UnsafeMutablePointer<Slot>) -> UnsafePointer<TopicClass> {
    let offset = MemoryLayout<Slot>.offset(of: \.topicClass) ?? 0
    return UnsafeRawPointer(slot).advanced(by: offset).assumingMemoryBound(to: TopicClass.self)
  }

  private func findLong(_ topic: UnsafeRawBufferPointer) -> UnsafePointer<TopicClass>? {
    let kept = UnsafeRawBufferPointer(start: long.pointer(0), count: longCount)
    return kept.hasSameBytes(as: topic) ? UnsafePointer(longClasses.pointer(0)) : nil
  }
}
