/// Things that are looked at in turns, some at a time.
///
/// What is added is still looked at in the current turn, and what is removed makes no other miss it.
struct Turns<Element: Hashable> {
  private var elements: [Element] = []
  private var places: [Element: Int] = [:]
  /// Those before it have been looked at in this turn.
  private var next = 0
  private var tookAtMs: Int64 = 0

  var count: Int { elements.count }

  func contains(_ element: Element) -> Bool { places[element] != nil }

  /// Adds an element, unless it is there already.
  mutating func insert(_ element: Element) {
    guard places[element] == nil else { return }
    places[element] = elements.count
    elements.append(element)
  }

  mutating func remove(_ element: Element) {
    guard var hole = places.removeValue(forKey: element) else { return }
    if hole < next {
      next -= 1
      move(next, to: hole)
      hole = next
    }
    move(elements.count - 1, to: hole)
    elements.removeLast()
  }

  private mutating func move(_ place: Int, to hole: Int) {
    guard place != hole else { return }
    elements[hole] = elements[place]
    places[elements[hole]] = hole
  }

  /// Begins a new turn.
  mutating func restart() {
    next = 0
  }

  /// The next ones of this turn; none where it is over.
  mutating func take(atMost limit: Int) -> [Element] {
    let taken = elements[next...].prefix(limit)
    next += taken.count
    return Array(taken)
  }

  /// As many as are due where a turn is to take so long, round and round.
  mutating func take(turnMs: Int64, nowMs: Int64, atMost limit: Int) -> [Element] {
    let elapsedMs = min(max(0, nowMs &- tookAtMs), turnMs)
    let due = min(limit, count * Int(elapsedMs) / Int(max(1, turnMs)))
    guard due > 0 else { return [] }
    tookAtMs = nowMs
    let taken = take(atMost: due)
    guard taken.count < due else { return taken }
    restart()
    return taken + take(atMost: due - taken.count)
  }
}
