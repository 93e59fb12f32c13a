import CMosquitto
import Foundation
import PaywallCore
import TestSupport
import Testing

@testable import Access

/// Filters and topics as libmosquitto judges them, which is what the broker goes by.
///
/// `FUZZ_PAIRS` of the environment says how many pairs to try; `SEED` repeats a run.
struct TopicFuzzTests {
  private static let levels: [[UInt8]] = [
    "", "a", "b", "ab", "A", "é", "e\u{301}", "日本", "$", "$SYS", "$share", " ", "\u{1}",
  ].map { Array($0.utf8) }
  private static let oddities: [[UInt8]] = ["+", "#", "a+", "+a", "#a", "a#", "++", "##", "+#"].map
  {
    Array($0.utf8)
  }

  private struct Source {
    var random: SplitMix64

    mutating func number(_ limit: Int) -> Int { .random(in: 0..<limit, using: &random) }

    mutating func topic() -> [[UInt8]] {
      (0...number(5)).map { _ in levels[number(levels.count)] }
    }

    /// A topic of which a level or two are changed, left out or added.
    mutating func topic(near topic: [[UInt8]]) -> [UInt8] {
      var topic = topic
      for _ in 0..<number(3) {
        let place = number(topic.count)
        switch number(3) {
        case 0: topic[place] = levels[number(levels.count)]
        case 1: topic.insert(levels[number(levels.count)], at: place)
        default: if topic.count > 1 { topic.remove(at: place) }
        }
      }
      return join(topic)
    }

    /// A filter that is near a topic: levels changed into wildcards, left out, added, cut.
    mutating func filter(near topic: [[UInt8]]) -> [UInt8] {
      var filter = topic
      for _ in 0..<number(4) {
        let place = number(filter.count)
        switch number(8) {
        case 0, 1: filter[place] = [UInt8(ascii: "+")]
        case 2: filter = filter.prefix(place) + [[UInt8(ascii: "#")]]
        case 3: filter.append([UInt8(ascii: "#")])
        case 4: filter[place] = levels[number(levels.count)]
        case 5: filter.insert(levels[number(levels.count)], at: place)
        case 6 where filter.count > 1: filter.remove(at: place)
        default: filter[place] = oddities[number(oddities.count)]
        }
      }
      return join(filter)
    }

    private func join(_ levels: [[UInt8]]) -> [UInt8] {
      Array(levels.joined(separator: [UInt8(ascii: "/")]))
    }
  }

  private static var pairCount: Int {
    ProcessInfo.processInfo.environment["FUZZ_PAIRS"].flatMap { Int($0) } ?? 1_000_000
  }

  private static func matches(_ filter: [UInt8], _ topic: [UInt8]) -> Bool {
    var isMatch = false
    let code = (filter + [0]).withUnsafeBufferPointer { filter in
      (topic + [0]).withUnsafeBufferPointer { topic in
        filter.withMemoryRebound(to: CChar.self) { filter in
          topic.withMemoryRebound(to: CChar.self) { topic in
            mosquitto_topic_matches_sub(filter.baseAddress, topic.baseAddress, &isMatch)
          }
        }
      }
    }
    return code == MOSQ_ERR_SUCCESS.rawValue && isMatch
  }

  private static func isValid(_ filter: [UInt8]) -> Bool {
    (filter + [0]).withUnsafeBufferPointer { text in
      text.withMemoryRebound(to: CChar.self) { text in
        mosquitto_sub_topic_check(text.baseAddress) == MOSQ_ERR_SUCCESS.rawValue
          && mosquitto_validate_utf8(text.baseAddress, CInt(filter.count))
            == MOSQ_ERR_SUCCESS.rawValue
      }
    }
  }

  @Test func `filters match the topics that libmosquitto matches`() {
    let seed = testSeed()
    print("TopicFuzzTests: seed \(seed), \(Self.pairCount) pairs")
    var source = Source(random: SplitMix64(seed: seed))
    var matched = 0
    for _ in 0..<Self.pairCount / 256 {
      let base = source.topic()
      let filters = (0..<16).compactMap { _ in TopicFilter(source.filter(near: base)) }
      let tree = TopicTree(filters.enumerated().map { (filter: $1, value: $0) })
      for _ in 0..<16 {
        let topic = source.topic(near: base)
        guard !topic.isEmpty else { continue }
        let expected = filters.indices.filter { Self.matches(filters[$0].bytes, topic) }
        matched += expected.count
        let text = String(decoding: topic, as: UTF8.self)
        var found: [Int] = []
        _ = topic.withUnsafeBytes { topic in
          tree.contains(matching: topic) { number in
            found.append(number)
            return false
          }
        }
        let isSame = found.sorted() == expected
        #expect(isSame, "'\(text)' among \(filters), seed \(seed)")
        for (number, filter) in filters.enumerated()
        where filter.matches(topic: topic) != expected.contains(number) {
          Issue.record("'\(filter)' and '\(text)' are judged wrongly, seed \(seed)")
        }
      }
    }
    // Near misses are worth little without hits.
    #expect(matched * 10 > Self.pairCount, "seed \(seed)")
  }

  /// Whether Mosquitto refuses a text because it uses the right that MQTT 5.0 section 1.5.4 gives: to
  /// refuse control characters and those that Unicode holds to be none.
  ///
  /// (The other difference: libmosquitto 2.0.11 holds an empty filter to be valid, against section
  /// 4.7.3; the broker refuses it.)
  private static func isRefusedByChoice(_ text: String) -> Bool {
    text.unicodeScalars.contains { scalar in
      scalar.properties.generalCategory == .control || scalar.properties.isNoncharacterCodePoint
    }
  }

  @Test func `filters are valid that libmosquitto holds to be valid`() {
    let seed = testSeed()
    var source = Source(random: SplitMix64(seed: seed))
    for _ in 0..<Self.pairCount / 16 {
      var filter = source.filter(near: source.topic())
      if source.number(20) == 0, !filter.isEmpty {
        filter[source.number(filter.count)] = UInt8(0x80 + source.number(0x80))
      }
      let text = String(decoding: filter, as: UTF8.self)
      guard !Self.isRefusedByChoice(text) else { continue }
      let isValid = Self.isValid(filter) && !filter.isEmpty
      if (TopicFilter(filter) != nil) != isValid {
        Issue.record("'\(text)' (\(filter)) should be \(isValid), seed \(seed)")
      }
    }
  }

  @Test func `a filter has as many slashes as the broker takes`() {
    // libmosquitto counts them only where it is compiled into the broker.
    for (slashes, isValid) in [(199, true), (200, true), (201, false), (60_000, false)] {
      let filter = [UInt8](repeating: UInt8(ascii: "/"), count: slashes)
      #expect((TopicFilter(filter) != nil) == isValid, "\(slashes) slashes")
    }
  }
}
