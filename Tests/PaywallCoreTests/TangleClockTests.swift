import PaywallCore
import TestSupport
import Testing

struct TangleClockTests {
  private func checkpoint(_ sequence: Int64, _ timeMs: Int64) -> Checkpoint {
    Checkpoint(sequence: sequence, timeMs: timeMs)
  }

  @Test func `the wall clock stands in until a node is seen to move on`() {
    var clock = TangleClock(wallMs: 1_000_000, monotonicMs: 500)
    #expect(!clock.isSynchronized)
    #expect(clock.offsetMs == 999_500)
    clock.observe(newest: checkpoint(7, 2_000_000), monotonicMs: 1000)
    #expect(clock.offsetMs == 999_500)
    clock.observe(newest: checkpoint(7, 2_000_000), monotonicMs: 1500)
    #expect(!clock.isSynchronized)
    clock.observe(newest: checkpoint(8, 2_000_250), monotonicMs: 2000)
    #expect(clock.isSynchronized)
    #expect(clock.offsetMs == 1_998_250)
  }

  @Test func `the nearest checkpoint of the last hour counts`() {
    var clock = TangleClock(wallMs: 0, monotonicMs: 0)
    clock.observe(newest: checkpoint(1, 0), monotonicMs: 0)
    clock.observe(newest: checkpoint(2, 10_000), monotonicMs: 5000)
    clock.observe(newest: checkpoint(3, 10_250), monotonicMs: 5900)
    #expect(clock.offsetMs == 5000)
    clock.observe(newest: checkpoint(4, 11_000), monotonicMs: 5950)
    #expect(clock.offsetMs == 5050)
    clock.observe(newest: checkpoint(5, 3_700_000), monotonicMs: 3_700_000)
    #expect(clock.offsetMs == 0)
  }

  @Test func `a frozen node does not stop the clock`() {
    var clock = TangleClock(wallMs: 0, monotonicMs: 0)
    clock.observe(newest: checkpoint(1, 9000), monotonicMs: 4000)
    clock.observe(newest: checkpoint(2, 10_000), monotonicMs: 5000)
    for hour in 1...5 {
      let nowMs = Int64(hour) * 3_600_000
      clock.observe(newest: checkpoint(2, 10_000), monotonicMs: nowMs)
      clock.observe(newest: checkpoint(1, 9000), monotonicMs: nowMs)
      #expect(clock.offsetMs == 5000)
    }
  }

  @Test func `an old payment does not put the clock back, a new one puts it on`() {
    var clock = TangleClock(wallMs: 1_000_000, monotonicMs: 0)
    clock.observe(past: checkpoint(1, 500_000), monotonicMs: 10)
    #expect(clock.offsetMs == 1_000_000)
    clock.observe(past: checkpoint(2, 1_000_100), monotonicMs: 20)
    #expect(clock.offsetMs == 1_000_080)
    clock.observe(newest: checkpoint(3, 1_000_200), monotonicMs: 30)
    clock.observe(newest: checkpoint(4, 1_000_300), monotonicMs: 40)
    #expect(clock.offsetMs == 1_000_260)
  }

  @Test func `an absurd time is none`() {
    var clock = TangleClock(wallMs: 0, monotonicMs: 0)
    clock.observe(newest: checkpoint(1, 0), monotonicMs: 0)
    clock.observe(newest: checkpoint(.max, .max), monotonicMs: 1000)
    clock.observe(past: checkpoint(1, .max), monotonicMs: 1000)
    #expect(!clock.isSynchronized)
    clock.observe(newest: checkpoint(2, 5000), monotonicMs: 2000)
    #expect(clock.offsetMs == 3000)
  }

  @Test func `tells how wrong the wall clock is`() {
    var clock = TangleClock(wallMs: 0, monotonicMs: 0)
    clock.observe(newest: checkpoint(1, 0), monotonicMs: 0)
    clock.observe(newest: checkpoint(2, 7_200_000), monotonicMs: 1000)
    #expect(clock.skewMs(wallMs: 1000, monotonicMs: 1000) == 7_199_000)
    #expect(clock.skewMs(wallMs: 7_200_500, monotonicMs: 1000) == -500)
  }

  @Test func `lies within the network's delay of the truth, whatever arrives late`() {
    let seed = testSeed()
    var random = SplitMix64(seed: seed)
    for _ in 0..<100 {
      let truth = Int64.random(in: -1_000_000...1_000_000, using: &random)
      var clock = TangleClock(wallMs: 0, monotonicMs: 0)
      var least = Int64.max
      for step in 1...200 {
        let delay = Int64.random(in: 0...2000, using: &random)
        let nowMs = Int64(step) * 5000
        if step > 1 { least = min(least, delay) }
        let newest = checkpoint(Int64(step), nowMs + truth - delay)
        clock.observe(newest: newest, monotonicMs: nowMs)
        guard step > 1 else { continue }
        #expect(clock.offsetMs == truth - least, "seed \(seed)")
      }
    }
  }
}
