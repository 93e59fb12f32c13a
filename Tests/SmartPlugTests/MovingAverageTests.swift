import Testing

@testable import SmartPlug

@Suite struct MovingAverageTests {
  /// Samples each half second, long 0, then 100000 mW from t = 0: the mean in mW at t in ms, for
  /// the time-weighted window and for the 2017 publisher's exponential mean.
  static let vectors: [(atMs: Int64, window: Double, exponential: Double)] = [
    (0, 0, 829.9), (500, 833.3, 1652.9), (10_000, 16_666.7, 16_054.3),
    (30_000, 50_000, 39_850.3), (60_000, 100_000, 63_517.3), (120_000, 100_000, 86_578.8),
  ]

  @Test(arguments: vectors)
  func `a step is followed as computed`(atMs: Int64, window: Double, exponential: Double) throws {
    for (var average, expected) in [
      (MovingAverage() as any PowerAverage, window), (ExponentialAverage(), exponential),
    ] {
      for time in stride(from: -600_000, through: atMs, by: 500) {
        average.add(milliwatts: time < 0 ? 0 : 100_000, atMs: time)
      }
      let mean = try #require(average.milliwatts(atMs: atMs))
      #expect(abs(mean - expected) < 0.05 + 1e-9)
    }
  }

  @Test func `without samples there is no mean, and one sample is its own`() {
    for var average in [MovingAverage() as any PowerAverage, ExponentialAverage()] {
      #expect(average.milliwatts(atMs: 5) == nil)
      average.add(milliwatts: 1234, atMs: 5)
      #expect(average.milliwatts(atMs: 5) == 1234)
    }
  }

  @Test func `before a window is full, it is the mean over what there is`() {
    var average = MovingAverage(windowMs: 60_000)
    average.add(milliwatts: 1000, atMs: 0)
    average.add(milliwatts: 4000, atMs: 9000)
    #expect(average.milliwatts(atMs: 12_000) == 1750)
  }

  @Test func `a missed sample does not bend it, a gap beyond the window starts it anew`() {
    var average = MovingAverage(windowMs: 60_000)
    average.add(milliwatts: 1000, atMs: 0)
    average.add(milliwatts: 3000, atMs: 60_000)
    #expect(average.milliwatts(atMs: 60_000) == 1000)
    average.add(milliwatts: 5000, atMs: 120_001)
    #expect(average.milliwatts(atMs: 120_001) == 5000)
    #expect(average.milliwatts(atMs: 180_002) == nil)
  }

  @Test func `a sample from before the newest is left out`() {
    for var average in [MovingAverage() as any PowerAverage, ExponentialAverage()] {
      average.add(milliwatts: 1000, atMs: 1000)
      average.add(milliwatts: 9000, atMs: 999)
      #expect(average.milliwatts(atMs: 1000) == 1000)
    }
  }

  @Test func `it equals the mean of every millisecond, for random samples`() throws {
    let seed = UInt64.random(in: .min ... .max)
    var random = SplitMix64(seed: seed)
    for _ in 0..<200 {
      let window = Int64.random(in: 1...50, using: &random)
      var average = MovingAverage(windowMs: window)
      var held: [Int64: Int] = [:]
      var now: Int64 = 0
      var value: Int?
      for _ in 0..<40 {
        let pause = Int64.random(in: 0...(window + window / 4), using: &random)
        if let value, pause <= window {
          for ms in now..<(now + pause) { held[ms] = value }
        } else {
          held = [:]
        }
        now += pause
        value = Int.random(in: 0...1_000_000, using: &random)
        average.add(milliwatts: value ?? 0, atMs: now)
        let values = ((now - window)..<now).compactMap { held[$0] }
        let expected =
          values.isEmpty ? Double(value ?? 0) : Double(values.reduce(0, +)) / Double(values.count)
        let mean = try #require(average.milliwatts(atMs: now))
        #expect(abs(mean - expected) < 1e-6 * max(1, expected), "seed \(seed)")
      }
    }
  }
}
