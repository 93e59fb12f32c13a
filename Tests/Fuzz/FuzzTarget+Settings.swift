import CMosquitto
import Configuration
@testable import HTTP
import PaywallCore
@testable import SmartPlug
import TOML

extension FuzzTarget {
  static let toml = FuzzTarget(name: "toml") { bytes in
    guard let text = String(validating: bytes, as: UTF8.self) else { return }
    do throws(TOMLError) {
      _ = try PaywallConfiguration.parse(text, path: "paywall.toml")
    } catch {
      try promise(!error.reason.isEmpty, "an error says why")
    }
  }

  static let plug = FuzzTarget(name: "plug") { bytes in
    if let document = try? XMLDocument(bytes) {
      try promise(
        document.elements.count <= XMLDocument.maximumElements, "a document's elements are few")
      try promise(
        document.elements.reduce(0) { $0 + $1.text.utf8.count } <= 3 * bytes.count,
        "a document's text is no longer than what was sent")
      if let text = document.text(of: "InsightParams"), let values = try? InsightParams(text) {
        try promise(isPlausible(values.milliwatts), "a power is plausible")
      }
    }
    _ = WeMoDescription(bytes)
    _ = SSDPSearch.answer(bytes)
    guard let pointer = JSONPointer("/power") else { return }
    var place = PowerPlace(pointer: pointer)
    for unit in ["/unit", nil] {
      place.unitPointer = unit.flatMap { JSONPointer($0) }
      place.switchPointer = JSONPointer("/on")
      for answer in [bytes, KasaCipher.revealed(bytes)] {
        if let sample = try? place.sample(in: answer, from: "plug", atMs: 0) {
          try promise(isPlausible(sample.milliwatts), "a power is plausible")
        }
      }
    }
  }

  /// A filter and a topic, or another filter, with a NUL between.
  static let topic = FuzzTarget(name: "topic") { bytes in
    let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let filter = TopicFilter(parts[0]), !parts[1].contains(0) else {
      return
    }
    let text = Array(parts[1])
    let matches = filter.matches(topic: text)
    let isTopic = !text.isEmpty && !text.contains { "+#".utf8.contains($0) }
    if isTopic, text.count <= 65_535, String(validating: text, as: UTF8.self) != nil {
      try promise(
        matches == mosquittoMatches(filter.bytes, text), "filters match as libmosquitto's do")
    }
    guard let other = TopicFilter(text) else { return }
    try promise(filter.overlaps(other) == other.overlaps(filter), "overlapping has no direction")
    try promise(!filter.covers(other) || filter.overlaps(other), "what is covered overlaps")
    if isTopic {
      try promise(matches == filter.covers(other), "a topic is a filter of one topic")
      try promise(matches == filter.overlaps(other), "a topic overlaps what matches it")
    }
  }

  private static func isPlausible(_ milliwatts: Int) -> Bool {
    (0...PowerSample.maximumMilliwatts).contains(milliwatts)
  }

  /// What libmosquitto says.
  static func mosquittoMatches(_ filter: [UInt8], _ topic: [UInt8]) -> Bool {
    var isMatch = false
    let code = String(decoding: filter, as: UTF8.self).withCString { filter in
      String(decoding: topic, as: UTF8.self).withCString { topic in
        mosquitto_topic_matches_sub(filter, topic, &isMatch)
      }
    }
    return code == MOSQ_ERR_SUCCESS.rawValue && isMatch
  }
}
