import TestSupport
import Testing

@testable import PaywallPlugin

@Suite struct FIFOTests {
  @Test func `does what an array does`() {
    var random = SplitMix64(seed: testSeed())
    var queue = FIFO<Int>()
    var plain: [Int] = []
    for number in 0..<20_000 {
      switch Int.random(in: 0..<20, using: &random) {
      case 0..<10:
        queue.append(number)
        plain.append(number)
      case 10..<19:
        let (popped, expected) = (queue.popFirst(), plain.isEmpty ? nil : plain.removeFirst())
        #expect(popped == expected)
      default:
        queue.removeAll { $0.isMultiple(of: 7) }
        plain.removeAll { $0.isMultiple(of: 7) }
      }
      #expect(queue.count == plain.count && queue.first == plain.first)
    }
  }
}
