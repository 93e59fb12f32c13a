/// A checkpoint of the tangle: its number and its time. (On Stardust: a milestone.)
public struct Checkpoint: Hashable, Sendable {
  /// The sequence number, from 0.
  public var sequence: Int64
  /// When the network made it, in Unix milliseconds.
  public var timeMs: Int64

  /// A checkpoint of the given number and time.
  public init(sequence: Int64, timeMs: Int64) {
    self.sequence = sequence
    self.timeMs = timeMs
  }
}
