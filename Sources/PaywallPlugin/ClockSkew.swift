/// The machine's wall clock and the tangle's tell different times.
struct ClockSkew: Error, CustomStringConvertible {
  let isWallLate: Bool

  /// Without the exact difference, which changes all the time: it is said once.
  var description: String {
    "this machine's clock is more than 5 minutes \(isWallLate ? "behind" : "ahead of") the "
      + "tangle's, which is the one that counts; set it, as with: timedatectl set-ntp true"
  }
}
