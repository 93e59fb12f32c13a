import DevTangle
import Foundation
import PaywallCore
import Synchronization
import TestSupport
import Testing

/// Answers in which one value is of another type, at random places.
@Suite(.timeLimit(.minutes(3))) struct WrongTypeTests {
  private static func spoil(_ answer: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
    guard let json = try? OddJSON(answer) else { return answer }
    let place = Int.random(in: 0..<json.count, using: &random)
    // A number is taken for a time or a checkpoint where it may be one.
    let values = OddJSON.values.filter { $0 as? Int != 7 }
    let value = values.randomElement(using: &random) ?? NSNull()
    return (try? json.replacing(place, by: value)) ?? answer
  }

  /// Which answers are spoiled.
  ///
  /// Several honest ones follow each, or polls would fail in a row until the node is asked once a
  /// minute.
  private struct Spoiler {
    var random: SplitMix64
    var honestCount = 0

    mutating func answer(_ honest: [UInt8]) -> [UInt8] {
      guard honestCount == 0, Bool.random(using: &random) else {
        honestCount = max(0, honestCount - 1)
        return honest
      }
      honestCount = 4
      return WrongTypeTests.spoil(honest, &random)
    }
  }

  @Test func `a wrong value in some answers loses nothing and invents nothing`() async throws {
    let seed = testSeed()
    let spoiler = Mutex(Spoiler(random: SplitMix64(seed: seed)))
    try await OddShop.open { shop in
      let first = try shop.pay(for: "janedoe")
      #expect(eventually { shop.isOpen(to: "janedoe") })
      shop.node.misbehave { exchange in
        guard let honest = exchange.honestAnswer() else { return false }
        return exchange.connection.answer(spoiler.withLock { $0.answer(honest) })
      }
      var digests = ["\(first)"]
      for number in 0..<20 {
        digests.append("\(try shop.pay(for: "user-\(number)"))")
        let before = shop.node.oddCount
        #expect(
          shop.eventually(reader: "janedoe", other: "nobody") {
            shop.node.oddCount > before + 6
          }, "seed \(seed)")
      }
      shop.node.misbehave(nil)
      #expect(
        try eventually(within: 70) { try shop.recorded() == digests.sorted() }, "seed \(seed)")
      let confirmed = try shop.rows(
        "SELECT amount || ' ' || account FROM payments WHERE state = 'confirmed'")
      let all = ["janedoe"] + (0..<20).map { "user-\($0)" }
      #expect(Set(confirmed).isSubset(of: all.map { "3600000 \($0)" }), "seed \(seed)")
      // Where the coin or its owner was told wrong, it is rejected for that.
      let other = try shop.rows("SELECT reason FROM payments WHERE state <> 'confirmed'")
      #expect(
        other.allSatisfy { $0 == "no IOTA moved to the seller" }
          && confirmed.count + other.count == digests.count, "seed \(seed)")
    }
  }
}
