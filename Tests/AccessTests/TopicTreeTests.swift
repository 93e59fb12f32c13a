import PaywallCore
import TestSupport
import Testing

@testable import Access

/// Whatever is asked of all filters at once has to be what each filter says for itself.
struct TopicTreeTests {
  private static func word(
    _ names: [String], upTo count: Int, _ random: inout SplitMix64
  ) -> String {
    (0..<Int.random(in: 1...count, using: &random)).map { _ in
      names.randomElement(using: &random) ?? ""
    }.joined(separator: "/")
  }

  private static func filters(_ count: Int, _ random: inout SplitMix64) -> [TopicFilter] {
    let names = ["a", "b", "", "$s", "+", "#"]
    return (0..<count).compactMap { _ in TopicFilter(word(names, upTo: 4, &random)) }
  }

  private func all(_ search: ((Int) -> Bool) -> Bool) -> [Int] {
    var found: [Int] = []
    #expect(
      !search {
        found.append($0); return false
      })
    return found.sorted()
  }

  @Test func `finds the filters that match, and no others`() {
    let seed = testSeed()
    var random = SplitMix64(seed: seed)
    for _ in 0..<200 {
      let filters = Self.filters(30, &random)
      let tree = TopicTree(filters.enumerated().map { (filter: $1, value: $0) })
      for _ in 0..<50 {
        let topic = Array(Self.word(["a", "b", "c", "", "$s"], upTo: 5, &random).utf8)
        let found = topic.withUnsafeBytes { topic in
          all { tree.contains(matching: topic, where: $0) }
        }
        let expected = filters.indices.filter { filters[$0].matches(topic: topic) }
        #expect(found == expected, "seed \(seed)")
      }
    }
  }

  @Test func `finds the filters that overlap and that cover another`() {
    let seed = testSeed()
    var random = SplitMix64(seed: seed)
    for _ in 0..<200 {
      let filters = Self.filters(30, &random)
      let tree = TopicTree(filters.enumerated().map { (filter: $1, value: $0) })
      for other in Self.filters(50, &random) {
        let overlapping = all { tree.contains(overlapping: other, where: $0) }
        #expect(
          overlapping == filters.indices.filter { filters[$0].overlaps(other) },
          "seed \(seed), \(other)")
        let covering = all { tree.contains(covering: other, where: $0) }
        #expect(
          covering == filters.indices.filter { filters[$0].covers(other) },
          "seed \(seed), \(other)")
      }
    }
  }

  @Test func `stops at the first that is wanted`() {
    let filters = ["a", "+", "#"].compactMap { TopicFilter($0) }
    let tree = TopicTree(filters.map { (filter: $0, value: true) })
    var asked = 0
    let isFound = Array("a".utf8).withUnsafeBytes { topic in
      tree.contains(matching: topic) { _ in
        asked += 1
        return true
      }
    }
    #expect(isFound)
    #expect(asked == 1)
  }
}
