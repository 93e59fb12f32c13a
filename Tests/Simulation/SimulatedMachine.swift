import PaywallCore
import Synchronization

@testable import PaywallPlugin
@testable import Tangle

/// A simulated machine's clocks, and the node that tells it the tangle's time.
final class SimulatedMachine: PaymentSource {
  private let state: Mutex<(time: SimulatedTime, lateMs: Int64?)>

  init(_ time: SimulatedTime) {
    state = Mutex((time, nil))
  }

  /// What its clocks show.
  var time: SimulatedTime {
    get { state.withLock { $0.time } }
    set { state.withLock { $0.time = newValue } }
  }

  /// By how much what the node tells is late, in milliseconds; nil: it is down.
  var lateMs: Int64? {
    get { state.withLock { $0.lateMs } }
    set { state.withLock { $0.lateMs = newValue } }
  }

  /// Its clocks, as the plugin reads them.
  var clock: MachineClock {
    MachineClock(
      monotonicMs: { self.time.monotonicMs }, wallMs: { self.time.wallMs },
      pause: { lengthMs in self.state.withLock { $0.time.tangleMs += lengthMs } })
  }

  // MARK: - The node

  func latestCheckpoint() throws -> NodeCheckpoint {
    guard let lateMs else {
      throw TangleError(code: .noNode, reasons: ["it is down"], retryAfterMs: 0)
    }
    let (sequence, timeMs) = SimulatedTime.checkpoint(atMs: time.tangleMs - lateMs)
    return NodeCheckpoint(
      node: 0, checkpoint: Checkpoint(sequence: sequence, timeMs: timeMs))
  }

  func forEachLatestCheckpoint(besides node: Int, _ body: (NodeCheckpoint) -> Void) throws {}

  func networkIdentifier() throws -> String { SimulatedPlugin.network }

  func readPayments(
    after position: ReadingPosition, isKnown: (Digest) throws -> Bool,
    record: (PaymentPage) throws -> Void
  ) throws {}

  func cancel() {}
}
