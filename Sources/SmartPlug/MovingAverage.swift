internal import Glibc

/// A mean over recent samples.
///
/// The time is that of a monotonic clock, as an argument.
public protocol PowerAverage: Sendable {
  /// Takes in a sample. One that is older than the newest so far is left out.
  mutating func add(milliwatts: Int, atMs: Int64)

  /// The mean in milliwatts at a time, or nil while there is nothing to take the mean of.
  func milliwatts(atMs: Int64) -> Double?
}

/// The time-weighted mean over the last ``windowMs``: each sample counts for as long as it was the
/// newest (zero-order hold).
///
/// Missed samples do not bend it, as they would a mean of samples. Before a whole window has
/// passed, it is the mean over what there is; a gap longer than the window starts it anew.
public struct MovingAverage: PowerAverage {
  /// The length of the window in milliseconds.
  public let windowMs: Int64
  /// In the order of time; the first may lie before the window, if it reaches into it.
  private var samples: [(atMs: Int64, milliwatts: Double)] = []

  /// A mean over a window, one minute by default.
  public init(windowMs: Int64 = 60_000) {
    self.windowMs = max(windowMs, 1)
  }

  /// Takes in a sample.
  public mutating func add(milliwatts: Int, atMs: Int64) {
    if let last = samples.last {
      guard atMs >= last.atMs else { return }
      if atMs - last.atMs > windowMs { samples.removeAll() }
    }
    samples.append((atMs, Double(milliwatts)))
    let start = atMs - windowMs
    let unneeded = samples.dropFirst().prefix { $0.atMs <= start }.count
    samples.removeFirst(unneeded)
  }

  /// The mean in milliwatts over the window that ends at a time.
  public func milliwatts(atMs: Int64) -> Double? {
    guard let first = samples.first, let last = samples.last, atMs - last.atMs <= windowMs else {
      return nil
    }
    let end = max(atMs, last.atMs)
    let start = max(first.atMs, end - windowMs)
    guard end > start else { return last.milliwatts }
    var sum = 0.0
    for (index, sample) in samples.enumerated() {
      let until = index + 1 < samples.count ? samples[index + 1].atMs : end
      sum += sample.milliwatts * Double(max(0, until - max(sample.atMs, start)))
    }
    return sum / Double(end - start)
  }
}

/// The time-aware exponential mean of the 2017 article's publisher: a sample that comes `dt` after
/// the one before weighs `1 - exp(-dt / tau)`.
public struct ExponentialAverage: PowerAverage {
  /// The time constant in milliseconds.
  public let tauMs: Int64
  private var last: (atMs: Int64, mean: Double)?

  /// A mean with a time constant, one minute by default.
  public init(tauMs: Int64 = 60_000) {
    self.tauMs = max(tauMs, 1)
  }

  /// Takes in a sample.
  public mutating func add(milliwatts: Int, atMs: Int64) {
    guard let last else {
      self.last = (atMs, Double(milliwatts))
      return
    }
    guard atMs >= last.atMs else { return }
    let weight = 1 - exp(-Double(atMs - last.atMs) / Double(tauMs))
    self.last = (atMs, last.mean + weight * (Double(milliwatts) - last.mean))
  }

  /// The mean in milliwatts as of the newest sample.
  public func milliwatts(atMs: Int64) -> Double? { last?.mean }
}
