/// The power that flows through the development plug, second by second.
///
/// Every real sample of an Insight that was looked at is a multiple of 5 mW, and its meter shows a
/// new value about once per second.
public enum PowerCurve: Hashable, Sendable {
  /// Always the same power, in milliwatts, exactly as given.
  case fixed(mW: Int)
  /// One value in milliwatts for each second; the last one stays.
  case script(mW: [Int])
  /// A household appliance, the same for the same seed: a base load, a slow swing, a heater that
  /// goes on and off, and noise. A pure function of the second.
  case seeded(UInt64)

  /// The power in milliwatts during a second since the start.
  func milliwatts(atSecond second: Int) -> Int {
    switch self {
    case .fixed(let mW): mW
    case .script(let values): values.isEmpty ? 0 : values[min(max(second, 0), values.count - 1)]
    case .seeded(let seed): Self.appliance(seed: seed, second: second)
    }
  }

  private static func appliance(seed: UInt64, second: Int) -> Int {
    let base = 42_000 + Int(mix(seed) % 20_000)
    let swing = triangle(second, period: 240) * 90
    let heaterIsOn = mix(seed &+ UInt64(max(second, 0) / 45)) % 3 == 0
    let noise = Int(mix(seed ^ UInt64(max(second, 0)) &* 0x9E37_79B9) % 1600) - 800
    let total = base + swing + (heaterIsOn ? 610_000 : 0) + noise
    return max(0, total) / 5 * 5
  }

  /// A wave between -100 and 100.
  private static func triangle(_ second: Int, period: Int) -> Int {
    let phase = max(second, 0) % period
    let half = period / 2
    let up = phase < half ? phase : period - phase
    return up * 200 / half - 100
  }

  /// SplitMix64's mixing function: the same bits for the same number, on every machine.
  private static func mix(_ number: UInt64) -> UInt64 {
    var z = number &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
