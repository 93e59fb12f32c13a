import SmartPlug
import Synchronization
import Testing

@Suite struct SimulatedPlugTests {
  private func values(_ curve: SimulatedPlug.Curve, atMs times: [Int64]) throws -> [Int] {
    let now = Mutex<Int64>(1000)
    let plug = try SimulatedPlug(curve) { now.withLock { $0 } }
    return try times.map { ms in
      now.withLock { $0 = 1000 + ms }
      return try plug.read().milliwatts
    }
  }

  @Test func `a sine goes up and down, and begins at its lowest`() throws {
    let curve = SimulatedPlug.Curve.sine(lowWatts: 20, highWatts: 100, periodS: 60)
    let times: [Int64] = [0, 15_000, 30_000, 45_000, 60_000, 90_000]
    #expect(try values(curve, atMs: times) == [20_000, 60_000, 100_000, 60_000, 20_000, 100_000])
  }

  @Test func `steps follow one another and begin anew`() throws {
    let curve = SimulatedPlug.Curve.steps(watts: [1, 2.5, 0], eachS: 2)
    #expect(
      try values(curve, atMs: [0, 1999, 2000, 5999, 6000]) == [1000, 1000, 2500, 0, 1000])
  }

  @Test func `a file's powers hold until the next line, and the last line ends it`() throws {
    let text = "seconds,watts\n# a kettle\n10, 5\r\n12,2000.5,x\n\n20,0\n"
    let curve = try #require(SimulatedPlug.Curve(csv: text))
    #expect(
      try values(curve, atMs: [0, 1999, 2000, 9999, 10_000]) == [
        5000, 5000, 2_000_500, 2_000_500, 5000,
      ])
  }

  @Test(arguments: [
    "", "1,2", "1,2\n1,3", "2,1\n1,1", "0,1\n1", "0,1\n1,", "0,1\nnan,2", "-1,1\n2,2",
  ])
  func `a file that is none is refused`(text: String) {
    #expect(SimulatedPlug.Curve(csv: text) == nil)
  }

  @Test func `powers that cannot be, and times without length, are refused`() throws {
    for curve in [
      SimulatedPlug.Curve.steps(watts: [-1], eachS: 1), .steps(watts: [], eachS: 1),
      .steps(watts: [.nan], eachS: 1), .steps(watts: [1], eachS: 0),
      .sine(lowWatts: 0, highWatts: 1e9, periodS: 1), .sine(lowWatts: 0, highWatts: 1, periodS: 0),
    ] {
      #expect(throws: PlugError.self) { try SimulatedPlug(curve) }
    }
    let plug = try SimulatedPlug(.steps(watts: [1], eachS: 1))
    plug.cancel()
    #expect(throws: PlugError.self) { try plug.read() }
  }
}
