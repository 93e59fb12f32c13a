import Glibc
import PaywallCore

/// Topic filters, each with a value, in a tree by level: finds the values of all filters that match
/// a topic without looking at the others.
///
/// Built once, in memory that is as large as the filters need.
struct TopicTree<Value: BitwiseCopyable & Sendable>: ~Copyable, Sendable {
  /// Zero stands for none: the root is nobody's child, and entries are counted from one.
  struct Node: BitwiseCopyable {
    var parent: UInt32 = 0
    /// The bytes of the level, in `labels`.
    var labelStart: UInt32 = 0
    var labelCount: UInt32 = 0
    /// The child for `+`.
    var anyOne: UInt32 = 0
    /// The first child for a literal level, and the next one of the same parent.
    var literals: UInt32 = 0
    var sibling: UInt32 = 0
    /// The entries of filters that end here.
    var here: UInt32 = 0
    /// The entries of filters that end here with `/#`.
    var below: UInt32 = 0
  }

  struct Entry: BitwiseCopyable {
    var value: Value
    var next: UInt32
  }

  private let hash = KeyedHash()
  private let index: TagIndex
  private let nodes: FlatBuffer<Node>
  private let entries: FlatBuffer<Entry>
  private let labels: FlatBuffer<UInt8>
  private var nodeCount = 1
  private var entryCount = 0
  private var labelCount = 0

  /// A tree of these filters.
  init(_ filters: [(filter: TopicFilter, value: Value)]) {
    let levelCount = filters.reduce(0) { $0 + $1.filter.levels.count }
    index = TagIndex(capacity: levelCount)
    nodes = FlatBuffer(zeros: levelCount + 1)
    entries = FlatBuffer(zeros: filters.count + 1)
    labels = FlatBuffer(zeros: filters.reduce(0) { $0 + $1.filter.bytes.count })
    for (filter, value) in filters { insert(value, for: filter) }
  }

  /// A node by its number; the root is 0.
  @inline(__always)
  subscript(_ node: Int) -> Node { nodes[node] }

  /// Whether `isWanted` holds for a value of a filter that matches the topic; asked until it does.
  ///
  /// - Complexity: O(length of the topic × nodes that match its levels), whatever other filters
  ///   there are.
  func contains(
    matching topic: UnsafeRawBufferPointer, where isWanted: (Value) -> Bool
  ) -> Bool {
    guard topic.count > 0 else { return false }
    // A topic that begins with `$` is not matched by a wildcard at the first level.
    return visit(0, topic, isWildcardAllowed: topic[0] != UInt8(ascii: "$"), isWanted)
  }

  /// Whether `isWanted` holds for an entry of a list.
  @inline(__always)
  func contains(_ list: UInt32, where isWanted: (Value) -> Bool) -> Bool {
    var number = list
    while number != 0 {
      let entry = entries[Int(number)]
      if isWanted(entry.value) { return true }
      number = entry.next
    }
    return false
  }

  /// The child for a literal level.
  @inline(__always)
  func child(of parent: Int, _ level: UnsafeRawBufferPointer) -> Int? {
    guard nodes[parent].literals != 0 else { return nil }
    return child(of: parent, level, hash: hash(level))
  }

  /// The hash of a level, wherever it is.
  func levelHash(_ level: UnsafeRawBufferPointer) -> UInt64 { hash(level) }

  /// The child for a literal level of this hash.
  @inline(__always)
  func child(of parent: Int, _ level: UnsafeRawBufferPointer, hash: UInt64) -> Int? {
    guard nodes[parent].literals != 0 else { return nil }
    let found = index.find(Self.mix(parent, hash)) { child in
      nodes[child].parent == UInt32(truncatingIfNeeded: parent)
        && label(child).hasSameBytes(as: level)
    }
    return found?.position
  }

  /// The bytes of a literal level.
  @inline(__always)
  func label(_ node: Int) -> UnsafeRawBufferPointer {
    let count = Int(nodes[node].labelCount)
    guard count > 0 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    return UnsafeRawBufferPointer(
      start: labels.pointer(Int(nodes[node].labelStart)), count: count)
  }

  private func visit(
    _ number: Int, _ rest: UnsafeRawBufferPointer?, isWildcardAllowed: Bool,
    _ isWanted: (Value) -> Bool
  ) -> Bool {
    let node = nodes[number]
    if isWildcardAllowed, contains(node.below, where: isWanted) { return true }
    guard let rest else { return contains(node.here, where: isWanted) }
    let (level, next) = rest.firstLevel
    if let child = child(of: number, level),
      visit(child, next, isWildcardAllowed: true, isWanted)
    {
      return true
    }
    return isWildcardAllowed && node.anyOne != 0
      && visit(Int(node.anyOne), next, isWildcardAllowed: true, isWanted)
  }

  /// A level means something else below another parent.
  @inline(__always)
  private static func mix(_ parent: Int, _ hash: UInt64) -> UInt64 {
    hash &+ UInt64(truncatingIfNeeded: parent) &* 0x9E37_79B9_7F4A_7C15
  }

  // MARK: - Building

  private mutating func insert(_ value: Value, for filter: TopicFilter) {
    var node = 0
    for level in filter.levels {
      switch level {
      case .anyMore:
        let below = add(value, before: nodes[node].below)
        nodes.pointer(node).pointee.below = below
        return
      case .anyOne:
        if nodes[node].anyOne == 0 { nodes.pointer(node).pointee.anyOne = addNode(Node()) }
        node = Int(nodes[node].anyOne)
      case .literal(let bytes):
        node = bytes.withUnsafeBytes { child(of: node, $0) ?? addChild(of: node, $0) }
      }
    }
    let here = add(value, before: nodes[node].here)
    nodes.pointer(node).pointee.here = here
  }

  private mutating func add(_ value: Value, before next: UInt32) -> UInt32 {
    entryCount += 1
    entries[entryCount] = Entry(value: value, next: next)
    return UInt32(truncatingIfNeeded: entryCount)
  }

  private mutating func addNode(_ node: Node) -> UInt32 {
    nodes[nodeCount] = node
    nodeCount += 1
    return UInt32(truncatingIfNeeded: nodeCount - 1)
  }

  private mutating func addChild(of parent: Int, _ level: UnsafeRawBufferPointer) -> Int {
    var node = Node()
    node.parent = UInt32(truncatingIfNeeded: parent)
    node.labelStart = UInt32(truncatingIfNeeded: labelCount)
    node.labelCount = UInt32(truncatingIfNeeded: level.count)
    node.sibling = nodes[parent].literals
    for byte in level {
      labels[labelCount] = byte
      labelCount += 1
    }
    let child = addNode(node)
    nodes.pointer(parent).pointee.literals = child
    index.insert(Self.mix(parent, hash(level)), Int(child))
    return Int(child)
  }
}

extension UnsafeRawBufferPointer {
  /// The first level of a topic, and what comes after its slash; nil where there is none.
  @inline(__always)
  fileprivate var firstLevel: (UnsafeRawBufferPointer, UnsafeRawBufferPointer?) {
    guard let start = baseAddress, count > 0,
      let slash = memchr(start, CInt(UInt8(ascii: "/")), count)
    else { return (self, nil) }
    let length = UnsafeRawPointer(slash) - start
    let next = UnsafeRawBufferPointer(start: start + (length + 1), count: count - length - 1)
    return (UnsafeRawBufferPointer(start: start, count: length), next)
  }
}
