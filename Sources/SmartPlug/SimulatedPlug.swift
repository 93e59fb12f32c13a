internal import Glibc
internal import HTTP

/// A plug that is not there, for trying things out without hardware.
///
/// Its power depends on the time since its start alone, so two runs tell the same.
public final class SimulatedPlug: PowerSource {
  /// How the power goes with time.
  public enum Curve: Hashable, Sendable {
    /// From the lowest to the highest watts and back, once in a period.
    case sine(lowWatts: Double, highWatts: Double, periodS: Double)
    /// One after another, each for so long, and from the start again.
    case steps(watts: [Double], eachS: Double)
    /// From a time in seconds on so many watts each; the last one's time ends it, and it begins anew.
    case points([Point])
  }

  /// A power that holds from a time on.
  public struct Point: Hashable, Sendable {
    /// Seconds since the start.
    public var atS: Double
    /// The power from there on.
    public var watts: Double

    /// A point of the given values.
    public init(atS: Double, watts: Double) {
      self.atS = atS
      self.watts = watts
    }
  }

  /// `sim`, and what it simulates.
  public let name: String
  private let curve: Curve
  private let startMs: Int64
  private let clock: @Sendable () -> Int64
  private let cancellation = Cancellation()

  /// A plug with a curve, which starts now; `clock` tells the time in milliseconds.
  /// - Throws: when the curve has a power that no plug can have, or no length.
  public init(
    _ curve: Curve, clock: @escaping @Sendable () -> Int64 = { MonotonicClock.nowMs() }
  ) throws(PlugError) {
    self.curve = curve
    self.clock = clock
    name = "sim:\(curve.name)"
    startMs = clock()
    guard curve.lengthS > 0, curve.lengthS.isFinite,
      curve.powers.allSatisfy({ PowerPlace.milliwatts(watts: $0) != nil })
    else {
      throw PlugError(
        .badAddress,
        "\(name) needs powers from 0 to \(PowerSample.maximumMilliwatts / 1000) W, and a time that "
          + "is more than 0.")
    }
  }

  /// The power at this moment.
  public func read() throws(PlugError) -> PowerSample {
    guard !cancellation.isSet else { throw PlugError(.cancelled, "\(name): it was ended.") }
    let nowMs = clock()
    let watts = curve.watts(atS: Double(max(0, nowMs - startMs)) / 1000)
    guard let milliwatts = PowerPlace.milliwatts(watts: watts) else {
      throw PlugError(.implausible, "\(name): a power of \(watts) W cannot be.")
    }
    return PowerSample(milliwatts: milliwatts, state: .on, takenAtMs: nowMs)
  }

  /// Ends all later reads.
  public func cancel() { cancellation.set() }
}

extension SimulatedPlug.Curve {
  /// Reads a file of lines `SECONDS,WATTS`, in the order of time; lines that begin with a letter or
  /// `#` are headings.
  ///
  /// Nil where a line is anything else, or there are fewer than two.
  public init?(csv text: String) {
    var points: [SimulatedPlug.Point] = []
    for line in text.split(whereSeparator: \.isNewline) {
      guard let first = line.first(where: { !$0.isWhitespace }) else { continue }
      if first == "#" || first.isLetter { continue }
      let fields = line.split(separator: ",", omittingEmptySubsequences: false).map { field in
        Double(String(field.filter { !$0.isWhitespace && $0 != "\"" }))
      }
      guard fields.count >= 2, let atS = fields[0], let watts = fields[1], atS.isFinite,
        atS >= 0, points.last.map({ $0.atS < atS }) ?? true
      else { return nil }
      points.append(SimulatedPlug.Point(atS: atS, watts: watts))
    }
    guard points.count >= 2 else { return nil }
    self = .points(points)
  }

  /// The watts that flow so many seconds after the start.
  public func watts(atS seconds: Double) -> Double {
    let atS = seconds.truncatingRemainder(dividingBy: lengthS)
    switch self {
    case .sine(let low, let high, let period):
      return low + (high - low) * (1 - cos(2 * .pi * atS / period)) / 2
    case .steps(let watts, let eachS):
      return watts[min(Int(atS / eachS), watts.count - 1)]
    case .points(let points):
      let startS = points.first?.atS ?? 0
      return points.last { $0.atS - startS <= atS }?.watts ?? 0
    }
  }

  fileprivate var name: String {
    switch self {
    case .sine: "sine"
    case .steps: "steps"
    case .points: "csv"
    }
  }

  fileprivate var lengthS: Double {
    switch self {
    case .sine(_, _, let period): period
    case .steps(let watts, let eachS): Double(watts.count) * eachS
    case .points(let points): (points.last?.atS ?? 0) - (points.first?.atS ?? 0)
    }
  }

  fileprivate var powers: [Double] {
    switch self {
    case .sine(let low, let high, _): [low, high]
    case .steps(let watts, _): watts
    case .points(let points): points.map(\.watts)
    }
  }
}
