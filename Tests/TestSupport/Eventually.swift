import Glibc

/// Waits until something holds.
///
/// - Parameters:
///   - timeoutS: After how many seconds to give up.
///   - condition: What has to hold.
/// - Returns: Whether it did in time.
/// - Throws: What the condition throws.
public func eventually(
  within timeoutS: Double = 60, _ condition: () throws -> Bool
) rethrows -> Bool {
  let end = ContinuousClock.now + .seconds(timeoutS)
  while ContinuousClock.now < end {
    if try condition() { return true }
    usleep(5000)
  }
  return try condition()
}
