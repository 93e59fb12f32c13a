import PaywallCore

/// Topic filters, each with a value, in a tree by level: finds the values of all filters that match
/// a topic without looking at the others.
struct TopicTree<Value: Sendable>: Sendable {
  private struct Node: Sendable {
    var children = BytesTable<Int>()
    var anyOne: Int?
    /// Of filters that end here.
    var here: [Value] = []
    /// Of filters that end here with `/#`.
    var below: [Value] = []
  }

  private var nodes = [Node()]

  /// Adds a filter.
  mutating func insert(_ value: Value, for filter: TopicFilter) {
    var node = 0
    for level in filter.levels {
      switch level {
      case .anyMore:
        nodes[node].below.append(value)
        return
      case .anyOne:
        let child = nodes[node].anyOne ?? addNode()
        nodes[node].anyOne = child
        node = child
      case .literal(let bytes):
        let known = bytes.withUnsafeBytes { nodes[node].children.value(for: $0) }
        let child = known ?? addNode()
        nodes[node].children.set(child, for: bytes)
        node = child
      }
    }
    nodes[node].here.append(value)
  }

  /// Calls `body` with the value of each filter that matches the topic.
  ///
  /// - Complexity: O(length of the topic × nodes that match its levels), whatever other filters
  ///   there are.
  func forEachMatch(of topic: UnsafeRawBufferPointer, _ body: (Value) -> Void) {
    guard let first = topic.first else { return }
    // A topic that begins with `$` is not matched by a wildcard at the first level.
    visit(0, topic, isWildcardAllowed: first != UInt8(ascii: "$"), body)
  }

  private mutating func addNode() -> Int {
    nodes.append(Node())
    return nodes.count - 1
  }

  private func visit(
    _ index: Int, _ rest: UnsafeRawBufferPointer?, isWildcardAllowed: Bool, _ body: (Value) -> Void
  ) {
    let node = nodes[index]
    if isWildcardAllowed { node.below.forEach(body) }
    guard let rest else {
      node.here.forEach(body)
      return
    }
    let slash = rest.firstIndex(of: UInt8(ascii: "/"))
    let level = UnsafeRawBufferPointer(rebasing: rest[..<(slash ?? rest.endIndex)])
    let next = slash.map { UnsafeRawBufferPointer(rebasing: rest[($0 + 1)...]) }
    if let child = node.children.value(for: level) {
      visit(child, next, isWildcardAllowed: true, body)
    }
    if isWildcardAllowed, let child = node.anyOne {
      visit(child, next, isWildcardAllowed: true, body)
    }
  }
}
