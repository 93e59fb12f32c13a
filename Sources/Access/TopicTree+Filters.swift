import PaywallCore

// Which filters of a tree overlap or cover another filter: `TopicFilter.overlaps` and `covers`, asked
// of all at once.
extension TopicTree {
  /// Whether `isWanted` holds for a value of a filter that matches all topics that the other
  /// matches; asked until it does.
  ///
  /// - Complexity: O(nodes that cover a beginning of the filter), whatever other filters there are.
  func contains(covering filter: TopicFilter, where isWanted: (Value) -> Bool) -> Bool {
    let levels = lay(filter)
    defer { levels.deallocate() }
    return visitCovering(0, levels, 0, Path(filter), isWanted)
  }

  /// Whether `isWanted` holds for a value of a filter that has a topic in common with the other;
  /// asked until it does.
  ///
  /// - Complexity: O(nodes that overlap a beginning of the filter).
  func contains(overlapping filter: TopicFilter, where isWanted: (Value) -> Bool) -> Bool {
    let levels = lay(filter)
    defer { levels.deallocate() }
    return visitOverlapping(0, levels, 0, Path(filter), isWanted)
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

  private typealias Levels = UnsafeBufferPointer<SoughtLevel>

  /// Lays out a filter's levels in one piece, hashed already, and their bytes behind them: to count
  /// references at each node would cost more than the search.
  ///
  /// - Returns: What the caller deallocates.
  private func lay(_ filter: TopicFilter) -> Levels {
    let count = filter.levels.count
    let size = count * MemoryLayout<SoughtLevel>.stride
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: size + filter.bytes.count, alignment: MemoryLayout<SoughtLevel>.alignment)
    let levels = memory.bindMemory(to: SoughtLevel.self, capacity: count)
    let bytes = UnsafeMutableRawBufferPointer(start: memory + size, count: filter.bytes.count)
    bytes.copyBytes(from: filter.bytes)
    var start = 0
    for (depth, level) in filter.levels.enumerated() {
      var sought = SoughtLevel(level)
      var end = start + 1
      if case .literal(let literal) = level {
        end = start + literal.count
        sought.bytes = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
        sought.hash = levelHash(sought.bytes)
      }
      start = end + 1
      (levels + depth).initialize(to: sought)
    }
    return Levels(start: levels, count: count)
  }

  private func visitCovering(
    _ number: Int, _ levels: Levels, _ depth: Int, _ path: Path, _ isWanted: (Value) -> Bool
  ) -> Bool {
    let node = self[number]
    if !path.isReserved, contains(node.below, where: isWanted) { return true }
    guard depth < levels.count else { return contains(node.here, where: isWanted) }
    let (level, next) = (levels[depth], depth + 1)
    switch level.kind {
    case .literal:
      let below = Path(isEmptyLevel: number == 0 && level.bytes.isEmpty)
      let child = child(of: number, level.bytes, hash: level.hash)
      if let child, visitCovering(child, levels, next, below, isWanted) { return true }
      return !path.isReserved && node.anyOne != 0
        && visitCovering(Int(node.anyOne), levels, next, below, isWanted)
    case .anyOne:
      let below = Path(isEmptyLevel: false)
      return node.anyOne != 0 && visitCovering(Int(node.anyOne), levels, next, below, isWanted)
    case .anyMore:
      // `#` alone stands for at least one level, so `+/#` covers it; `a/+/#` misses `a`.
      return (number == 0 || path.isEmptyLevel) && node.anyOne != 0
        && contains(self[Int(node.anyOne)].below, where: isWanted)
    }
  }

  private func visitOverlapping(
    _ number: Int, _ levels: Levels, _ depth: Int, _ path: Path, _ isWanted: (Value) -> Bool
  ) -> Bool {
    let node = self[number]
    guard depth < levels.count else {
      return contains(node.here, where: isWanted)
        || !path.isEmptyLevel && contains(node.below, where: isWanted)
    }
    let level = levels[depth]
    let isAnyMore = level.kind == .anyMore
    if isAnyMore, !path.isEmptyLevel, contains(node.here, where: isWanted) { return true }
    if !path.isReserved, contains(node.below, where: isWanted) { return true }
    guard level.kind == .literal else {
      // What `#` leaves to the levels below is `#` again.
      return visitAllChildren(number, levels, isAnyMore ? depth : depth + 1, isWanted)
    }
    let below = Path(isEmptyLevel: number == 0 && level.bytes.isEmpty)
    let child = child(of: number, level.bytes, hash: level.hash)
    if let child, visitOverlapping(child, levels, depth + 1, below, isWanted) { return true }
    return !path.isReserved && node.anyOne != 0
      && visitOverlapping(Int(node.anyOne), levels, depth + 1, below, isWanted)
  }

  private func visitAllChildren(
    _ number: Int, _ levels: Levels, _ next: Int, _ isWanted: (Value) -> Bool
  ) -> Bool {
    let node = self[number]
    if node.anyOne != 0,
      visitOverlapping(Int(node.anyOne), levels, next, Path(isEmptyLevel: false), isWanted)
    {
      return true
    }
    var child = Int(node.literals)
    while child != 0 {
      // At the first level: an empty one is special, and a wildcard matches nothing that begins with
      // `$`.
      let label = number == 0 ? label(child) : UnsafeRawBufferPointer(start: nil, count: 0)
      let path = Path(isEmptyLevel: number == 0 && label.isEmpty)
      let isMatched = label.first != UInt8(ascii: "$")
      if isMatched, visitOverlapping(child, levels, next, path, isWanted) { return true }
      child = Int(self[child].sibling)
    }
    return false
  }
}

/// A level of a filter that is searched for; its bytes are valid during the search.
private struct SoughtLevel: BitwiseCopyable {
  enum Kind: UInt8 { case literal, anyOne, anyMore }

  let kind: Kind
  /// Of a literal level.
  var bytes = UnsafeRawBufferPointer(start: nil, count: 0)
  var hash: UInt64 = 0

  init(_ level: TopicFilter.Level) {
    switch level {
    case .literal: kind = .literal
    case .anyOne: kind = .anyOne
    case .anyMore: kind = .anyMore
    }
  }
}
