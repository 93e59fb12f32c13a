import PaywallCore
import Testing

struct TopicFilterTests {
  @Test(arguments: [
    ("sport/tennis/#", "sport/tennis", true),
    ("sport/tennis/#", "sport/tennis/player1/ranking", true),
    ("sport/#", "sport", true), ("#", "sport", true), ("#", "/", true), ("sport/+", "sport", false),
    ("sport/+", "sport/", true), ("+/+", "/finance", true), ("/+", "/finance", true),
    ("+", "/finance", false), ("#", "$SYS/x", false), ("+/x", "$SYS/x", false),
    ("$SYS/#", "$SYS/x", true),
    ("$SYS/+", "$SYS/x", true), ("a/b", "a/b", true), ("a/b", "a/bc", false), ("a/b", "a", false),
    ("a", "a/b", false), ("a/+/c", "a//c", true), ("caf\u{E9}", "cafe\u{301}", false),
    ("+", "", false),
  ])
  func `matches as the standard says`(filter: String, topic: String, isMatch: Bool) throws {
    #expect(try #require(TopicFilter(filter)).matches(topic: Array(topic.utf8)) == isMatch)
  }

  @Test(arguments: ["", "a/#/b", "a#", "#a", "a+", "+a/b", "a/b#", "##", "a\0b", "#/#"])
  func `refuses what is no filter`(filter: String) {
    #expect(TopicFilter(filter) == nil)
  }

  @Test func `refuses broken UTF-8 and too many bytes`() {
    #expect(TopicFilter([0xC3]) == nil)
    #expect(TopicFilter(Array(repeating: UInt8(ascii: "a"), count: 65_536)) == nil)
    #expect(TopicFilter(Array(repeating: UInt8(ascii: "a"), count: 65_535)) != nil)
  }

  /// A small world of filters and topics.
  ///
  /// Every filter of up to three levels, over two names, an empty level and one that begins with `$`;
  /// topics of up to four. Three names for topics, so that there is one no filter names.
  private static let filters = words(["a", "b", "", "$s", "+", "#"], upTo: 3)
    .compactMap { TopicFilter($0) }
  private static let topics = words(["a", "b", "c", "", "$s"], upTo: 4).filter { !$0.isEmpty }
    .map { Array($0.utf8) }

  private static func words(_ levels: [String], upTo count: Int) -> [String] {
    var words = [levels]
    for _ in 1..<count {
      words.append((words.last ?? []).flatMap { word in levels.map { "\(word)/\($0)" } })
    }
    return words.flatMap(\.self)
  }

  @Test func `overlap means that there is a common topic`() {
    let matched = Self.filters.map { filter in
      Set(Self.topics.indices.filter { filter.matches(topic: Self.topics[$0]) })
    }
    for (index, filter) in Self.filters.enumerated() {
      for (otherIndex, other) in Self.filters.enumerated() {
        let isCommon = !matched[index].isDisjoint(with: matched[otherIndex])
        #expect(filter.overlaps(other) == isCommon, "\(filter) and \(other)")
      }
    }
  }

  @Test func `covering means that no topic of the other is missed`() {
    let matched = Self.filters.map { filter in
      Set(Self.topics.indices.filter { filter.matches(topic: Self.topics[$0]) })
    }
    for (index, filter) in Self.filters.enumerated() {
      for (otherIndex, other) in Self.filters.enumerated() {
        let isAll = matched[index].isSuperset(of: matched[otherIndex])
        #expect(filter.covers(other) == isAll, "\(filter) over \(other)")
      }
    }
  }

  @Test func `reads shared subscriptions`() throws {
    let shared = try #require(Subscription(Array("$share/g/a/+".utf8)))
    #expect(shared.isShared)
    #expect(shared.filter == TopicFilter("a/+"))
    #expect(Subscription(Array("a/+".utf8))?.isShared == false)
    #expect(Subscription(Array("$share//a".utf8)) == nil)
    #expect(Subscription(Array("$share/g".utf8)) == nil)
    #expect(Subscription(Array("$share/g/".utf8)) == nil)
    #expect(Subscription(Array("$shared/g/a".utf8))?.isShared == false)
  }
}
