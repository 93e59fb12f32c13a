import Testing

@testable import DevPlug

@Suite struct MeterTests {
  @Test func `a seeded curve is the same again, never negative, and in steps of 5 mW`() {
    for seed in [0, 1, 2, UInt64.max] {
      let curve = PowerCurve.seeded(seed)
      let values = (0..<5000).map { curve.milliwatts(atSecond: $0) }
      #expect(values == (0..<5000).map { curve.milliwatts(atSecond: $0) })
      #expect(values.allSatisfy { $0 >= 0 && $0 % 5 == 0 && $0 < 1_000_000 })
      #expect(Set(values).count > 100)
    }
    #expect(PowerCurve.seeded(1) != PowerCurve.seeded(2))
    _ = PowerCurve.seeded(1).milliwatts(atSecond: .max)
    _ = PowerCurve.seeded(1).milliwatts(atSecond: .min)
  }

  @Test func `a script keeps its last value, and an empty one is nothing`() {
    let script = PowerCurve.script(mW: [1000, 2000])
    #expect(
      [-1, 0, 1, 2, 99].map { script.milliwatts(atSecond: $0) } == [1000, 1000, 2000, 2000, 2000])
    #expect(PowerCurve.script(mW: []).milliwatts(atSecond: 3) == 0)
  }

  @Test func `energy, times and average follow the power`() {
    var meter = Meter(curve: .fixed(mW: 60_000))
    meter.advance(toMs: 120_500)
    let params = meter.insightParams(nowMs: 120_500, startedAtUnix: 1_000, staysStale: false)
    #expect(
      params == [
        "1", "1000", "120", "120", "120", "120", "60", "60000", "120000", "120000.000000", "8000",
      ])
  }

  @Test func `below the threshold it is in standby`() {
    #expect(Meter(curve: .fixed(mW: 7999)).state(nowMs: 0) == 8)
    #expect(Meter(curve: .fixed(mW: 8000)).state(nowMs: 0) == 1)
  }

  @Test func `switched off, it reports the old power for a second, and counts no energy`() {
    var meter = Meter(curve: .fixed(mW: 41_400))
    let changes = [(true, 2000), (false, 2000), (false, 2500)].map {
      meter.turn(on: $0.0, nowMs: $0.1)
    }
    #expect(changes == [false, true, false])
    #expect(meter.state(nowMs: 2500) == 0)
    #expect(meter.reportedPower(nowMs: 2999, staysStale: false) == 41_400)
    #expect(meter.reportedPower(nowMs: 3000, staysStale: false) == 0)
    #expect(meter.reportedPower(nowMs: 99_000, staysStale: true) == 41_400)
    meter.advance(toMs: 60_000)
    let params = meter.insightParams(nowMs: 60_000, startedAtUnix: 0, staysStale: false)
    #expect(params[2] == "0" && params[4] == "2" && params[8] == String(41_400 * 2 / 60))
  }
}
