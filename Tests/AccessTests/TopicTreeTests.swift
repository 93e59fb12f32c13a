import PaywallCore
import TestSupport
import Testing

@testable import Access

struct TopicTreeTests {
  @Test func `finds the filters that match, and no others`() throws {
    let seed = testSeed()
    var random = SplitMix64(seed: seed)
    let names = ["a", "b", "", "$s", "+", "#"]
    func word(_ names: [String]) -> String {
      (0..<Int.random(in: 1...4, using: &random)).map { _ in
        names.randomElement(using: &random) ?? ""
      }.joined(separator: "/")
    }
    for _ in 0..<200 {
      let filters = (0..<30).compactMap { _ in TopicFilter(word(names)) }
      var tree = TopicTree<Int>()
      for (index, filter) in filters.enumerated() { tree.insert(index, for: filter) }
      for _ in 0..<50 {
        let topic = Array(word(["a", "b", "c", "", "$s"]).utf8)
        var found: [Int] = []
        topic.withUnsafeBytes { tree.forEachMatch(of: $0) { found.append($0) } }
        let expected = filters.indices.filter { filters[$0].matches(topic: topic) }
        #expect(found.sorted() == expected, "seed \(seed)")
      }
    }
  }
}
