/// The switch and the meter of an Insight: pure, with the time as an argument.
struct Meter {
  /// Below this power in milliwatts, a plug that is switched on says 8 (standby).
  ///
  /// The factory's.
  static let standbyThreshold = 8000
  /// How long after switching off the old power is still reported.
  static let staleMs = 1000

  var curve: PowerCurve
  private(set) var isOn = true
  private var changedAtMs = 0
  private var powerAtChange = 0
  private var metredSeconds = 0
  private var onSeconds = 0
  private var energyMilliwattSeconds = 0

  init(curve: PowerCurve) { self.curve = curve }

  /// Counts the seconds that have passed.
  ///
  /// `nowMs` is the time since the plug was started.
  mutating func advance(toMs nowMs: Int) {
    while metredSeconds < nowMs / 1000 {
      if isOn {
        onSeconds += 1
        energyMilliwattSeconds &+= curve.milliwatts(atSecond: metredSeconds)
      }
      metredSeconds += 1
    }
  }

  /// Switches on or off; false when it is so already.
  mutating func turn(on: Bool, nowMs: Int) -> Bool {
    advance(toMs: nowMs)
    guard on != isOn else { return false }
    powerAtChange = curve.milliwatts(atSecond: nowMs / 1000)
    isOn = on
    changedAtMs = nowMs
    return true
  }

  /// 0 off, 1 on, 8 on with a load below the threshold.
  func state(nowMs: Int) -> Int {
    guard isOn else { return 0 }
    return curve.milliwatts(atSecond: nowMs / 1000) < Self.standbyThreshold ? 8 : 1
  }

  /// The power that the plug reports, in milliwatts: for a while after switching off, the old one.
  func reportedPower(nowMs: Int, staysStale: Bool) -> Int {
    if isOn { return curve.milliwatts(atSecond: nowMs / 1000) }
    guard metredSeconds > 0 || changedAtMs > 0 else { return 0 }
    return staysStale || nowMs - changedAtMs < Self.staleMs ? powerAtChange : 0
  }

  /// The eleven fields of InsightParams, in their order.
  func insightParams(nowMs: Int, startedAtUnix: Int, staysStale: Bool) -> [String] {
    let onFor = isOn ? (nowMs - changedAtMs) / 1000 : 0
    let energyMilliwattMinutes = energyMilliwattSeconds / 60
    let averageWatts = onSeconds == 0 ? 0 : energyMilliwattSeconds / onSeconds / 1000
    let numbers = [
      state(nowMs: nowMs), startedAtUnix + changedAtMs / 1000, onFor, onSeconds, onSeconds,
      max(metredSeconds, 1), averageWatts,
      reportedPower(nowMs: nowMs, staysStale: staysStale), energyMilliwattMinutes,
    ]
    return numbers.map(String.init)
      + ["\(energyMilliwattMinutes).000000", String(Self.standbyThreshold)]
  }
}
