import PaywallCore

/// The machine's wall clock and the tangle's tell different times.
struct ClockSkew: Error, CustomStringConvertible {
  let isWallLate: Bool

  /// Throws where the difference is more than can be the network's delay.
  ///
  /// - Parameter skewMs: How far the tangle's time is ahead of the wall clock, in milliseconds.
  /// - Throws: `ClockSkew`.
  static func check(skewMs: Int64) throws(ClockSkew) {
    guard abs(skewMs) > TangleClock.toleranceMs else { return }
    throw ClockSkew(isWallLate: skewMs > 0)
  }

  /// Without the exact difference, which changes all the time: it is said once.
  var description: String {
    "this machine's clock is more than 5 minutes \(isWallLate ? "behind" : "ahead of") the "
      + "tangle's, which is the one that counts; set it, as with: timedatectl set-ntp true"
  }
}
