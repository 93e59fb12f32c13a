/// Something that knows how much power flows.
public protocol PowerSource: Sendable {
  /// What the source is called in logs: an address without secrets.
  var name: String { get }

  /// The plug's own name, the same for ever, or nil as long as it is not known.
  var identity: String? { get }

  /// Whether readings come when the source has them, and ``read()`` waits for the next one.
  var isPushed: Bool { get }

  /// How long at most the source is left alone after failures, in milliseconds.
  var maximumPauseMs: Int64 { get }

  /// Reads the power that flows now; waits for the answer, for a few seconds at most.
  ///
  /// The caller asks again only when this has returned: there is one request in flight.
  /// - Throws: when there was no answer, or none that can be believed. Nothing is made up.
  func read() throws(PlugError) -> PowerSample

  /// Ends a running read and all later ones with ``PlugError/Kind/cancelled``, from any thread.
  func cancel()
}

extension PowerSource {
  /// Not known.
  public var identity: String? { nil }
  /// It is asked.
  public var isPushed: Bool { false }
  /// Five seconds: refused connections cost a device nothing.
  public var maximumPauseMs: Int64 { 5000 }
}

/// One reading of a plug.
public struct PowerSample: Hashable, Sendable {
  /// Whether the plug is switched on.
  public enum State: String, Sendable {
    /// Switched off.
    case off
    /// Switched on.
    case on
    /// Switched on, with a load below the plug's threshold.
    case standby
  }

  /// The power in milliwatts, from 0 to ``maximumMilliwatts``.
  public let milliwatts: Int
  /// Whether the plug is switched on; nil where the source does not say.
  public let state: State?
  /// When the answer came, in milliseconds of ``MonotonicClock``. (A plug's own clock is wrong as
  /// soon as it has no internet, so it is not asked.)
  public let takenAtMs: Int64

  /// More than any socket in a house carries: 16 A at 240 V are 3.84 kW.
  public static let maximumMilliwatts = 10_000_000

  /// A sample of the given values.
  public init(milliwatts: Int, state: State?, takenAtMs: Int64) {
    self.milliwatts = milliwatts
    self.state = state
    self.takenAtMs = takenAtMs
  }
}
