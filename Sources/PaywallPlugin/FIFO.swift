/// Elements that leave in the order in which they came.
struct FIFO<Element> {
  private var elements: [Element] = []
  /// Those before it have left.
  private var start = 0

  var count: Int { elements.count - start }
  var first: Element? { start < elements.count ? elements[start] : nil }

  mutating func append(_ element: Element) {
    elements.append(element)
  }

  /// Takes the first element.
  ///
  /// - Complexity: O(1) on average.
  mutating func popFirst() -> Element? {
    guard let element = first else { return nil }
    start += 1
    if start * 2 > elements.count {
      elements.removeFirst(start)
      start = 0
    }
    return element
  }

  /// Removes those of which `isOver` holds.
  mutating func removeAll(where isOver: (Element) throws -> Bool) rethrows {
    elements.removeFirst(start)
    start = 0
    try elements.removeAll(where: isOver)
  }
}
