import PaywallCore

// Which filters of a tree overlap or cover another filter: `TopicFilter.overlaps` and `covers`, asked
// of all at once.
extension TopicTree {
  /// Whether `isWanted` holds for a value of a filter that matches all topics that the other
  /// matches; asked until it does.
  ///
  /// - Complexity: O(nodes that cover a beginning of the filter), whatever other filters there are.
  func contains(covering filter: TopicFilter, where isWanted: (Value) -> Bool) -> Bool {
    visitCovering(0, filter, 0, Path(filter), isWanted)
  }

  /// Whether `isWanted` holds for a value of a filter that has a topic in common with the other;
  /// asked until it does.
  ///
  /// - Complexity: O(nodes that overlap a beginning of the filter).
  func contains(overlapping filter: TopicFilter, where isWanted: (Value) -> Bool) -> Bool {
    visitOverlapping(0, filter, 0, Path(filter), isWanted)
  }

  /// What matters of the levels above.
  private struct Path {
    /// None yet, and the filter begins with `$`: wildcards do not match.
    var isReserved = false
    /// One, and it is empty.
    ///
    /// There is no empty topic, so `/#` is not about the level above it.
    var isEmptyLevel = false

    init(_ filter: TopicFilter) {
      isReserved = filter.bytes.first == UInt8(ascii: "$")
    }

    init(isEmptyLevel: Bool) {
      self.isEmptyLevel = isEmptyLevel
    }
  }

  private func visitCovering(
    _ number: Int, _ filter: TopicFilter, _ depth: Int, _ path: Path,
    _ isWanted: (Value) -> Bool
  ) -> Bool {
    let node = self[number]
    if !path.isReserved, contains(node.below, where: isWanted) { return true }
    guard depth < filter.levels.count else { return contains(node.here, where: isWanted) }
    let next = depth + 1
    switch filter.levels[depth] {
    case .literal(let bytes):
      let below = Path(isEmptyLevel: number == 0 && bytes.isEmpty)
      let child = bytes.withUnsafeBytes { self.child(of: number, $0) }
      if let child, visitCovering(child, filter, next, below, isWanted) { return true }
      return !path.isReserved && node.anyOne != 0
        && visitCovering(Int(node.anyOne), filter, next, below, isWanted)
    case .anyOne:
      let below = Path(isEmptyLevel: false)
      return node.anyOne != 0 && visitCovering(Int(node.anyOne), filter, next, below, isWanted)
    case .anyMore:
      // `#` alone stands for at least one level, so `+/#` covers it; `a/+/#` misses `a`.
      return (number == 0 || path.isEmptyLevel) && node.anyOne != 0
        && contains(self[Int(node.anyOne)].below, where: isWanted)
    }
  }

  private func visitOverlapping(
    _ number: Int, _ filter: TopicFilter, _ depth: Int, _ path: Path,
    _ isWanted: (Value) -> Bool
  ) -> Bool {
    let node = self[number]
    guard depth < filter.levels.count else {
      return contains(node.here, where: isWanted)
        || !path.isEmptyLevel && contains(node.below, where: isWanted)
    }
    let level = filter.levels[depth]
    if level.isAnyMore, !path.isEmptyLevel, contains(node.here, where: isWanted) { return true }
    if !path.isReserved, contains(node.below, where: isWanted) { return true }
    // What `#` leaves to the levels below is `#` again.
    let next = level.isAnyMore ? depth : depth + 1
    if case .literal(let bytes) = level {
      let below = Path(isEmptyLevel: number == 0 && bytes.isEmpty)
      let child = bytes.withUnsafeBytes { self.child(of: number, $0) }
      if let child, visitOverlapping(child, filter, next, below, isWanted) { return true }
      return !path.isReserved && node.anyOne != 0
        && visitOverlapping(Int(node.anyOne), filter, next, below, isWanted)
    }
    return visitAllChildren(number, filter, next, isWanted)
  }

  private func visitAllChildren(
    _ number: Int, _ filter: TopicFilter, _ next: Int, _ isWanted: (Value) -> Bool
  ) -> Bool {
    let node = self[number]
    if node.anyOne != 0,
      visitOverlapping(Int(node.anyOne), filter, next, Path(isEmptyLevel: false), isWanted)
    {
      return true
    }
    var child = Int(node.literals)
    while child != 0 {
      let label = label(child)
      let path = Path(isEmptyLevel: number == 0 && label.isEmpty)
      // A wildcard at the first level matches nothing that begins with `$`.
      let isMatched = number != 0 || label.first != UInt8(ascii: "$")
      if isMatched, visitOverlapping(child, filter, next, path, isWanted) { return true }
      child = Int(self[child].sibling)
    }
    return false
  }
}

extension TopicFilter.Level {
  fileprivate var isAnyMore: Bool {
    if case .anyMore = self { true } else { false }
  }
}
