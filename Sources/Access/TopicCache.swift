import Glibc

/// The classes of topics that were asked about lately, for a topic is asked about once for each of
/// its subscribers.
///
/// Topics that share a slot only evict each other, so that a flood of topics costs time but no
/// memory. Topics too long for a slot share a single one.
struct TopicCache: ~Copyable, Sendable {
  /// How many bytes of topic fit into a slot of two cache lines.
  static let longestShort = 92
  /// A topic's length in MQTT; with a mount point before it, it may be longer, and is not kept.
  static let longestLong = 65_535

  struct Slot: BitwiseCopyable {
    /// First, so that a pointer to the slot is one to the topic.
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
  private var longClass = TopicClass()

  /// An empty cache, of at least so many slots.
  init(slots count: Int) {
    var power = 1
    while power < count { power *= 2 }
    slots = FlatBuffer(zeros: power)
    mask = power - 1
  }

  /// The class of a topic, where it is known.
  @inline(__always)
  func find(_ topic: UnsafeRawBufferPointer) -> TopicClass? {
    guard let start = topic.baseAddress, topic.count > 0 else { return nil }
    guard topic.count <= Self.longestShort else { return findLong(topic) }
    let slot = slot(of: topic)
    guard slot.pointee.count == UInt32(truncatingIfNeeded: topic.count),
      memcmp(slot, start, topic.count) == 0
    else { return nil }
    return slot.pointee.topicClass
  }

  /// Keeps the class of a topic, in place of another's.
  mutating func keep(_ topicClass: TopicClass, for topic: UnsafeRawBufferPointer) {
    guard let start = topic.baseAddress, (1...long.count).contains(topic.count) else { return }
    if topic.count <= Self.longestShort {
      let slot = slot(of: topic)
      memcpy(slot, start, topic.count)
      slot.pointee.count = UInt32(truncatingIfNeeded: topic.count)
      slot.pointee.topicClass = topicClass
    } else {
      memcpy(long.pointer(0), start, topic.count)
      longCount = topic.count
      longClass = topicClass
    }
  }

  @inline(__always)
  private func slot(of topic: UnsafeRawBufferPointer) -> UnsafeMutablePointer<Slot> {
    slots.pointer(Int(truncatingIfNeeded: hash(topic)) & mask)
  }

  private func findLong(_ topic: UnsafeRawBufferPointer) -> TopicClass? {
    let kept = UnsafeRawBufferPointer(start: long.pointer(0), count: longCount)
    return kept.hasSameBytes(as: topic) ? longClass : nil
  }
}
