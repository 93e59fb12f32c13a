import Foundation
import Synchronization
import Tangle

/// Asks all nodes at once.
enum Survey {
  /// How long the nodes may take to answer everything, in milliseconds.
  private static let limitMs = 30_000

  /// Asks each node on a thread of its own.
  ///
  /// - Parameters:
  ///   - probes: One for each node.
  ///   - known: What to compare them with.
  /// - Returns: The answers, in the nodes' order.
  static func run(_ probes: [NodeProbe], _ known: NodeProbe.Known) -> [NodeSurvey] {
    let answers = Answers()
    let group = DispatchGroup()
    for (index, probe) in probes.enumerated() {
      group.enter()
      Thread.detachNewThread {
        let survey = probe.survey(known) { Moment.nowMs }
        answers.surveys.withLock { $0[index] = survey }
        group.leave()
      }
    }
    if group.wait(timeout: .now() + .milliseconds(limitMs)) == .timedOut {
      for probe in probes { probe.cancel() }
      group.wait()
    }
    let surveys = answers.surveys.withLock { $0 }
    return probes.indices.compactMap { surveys[$0] }
  }

  private final class Answers: Sendable {
    let surveys = Mutex<[Int: NodeSurvey]>([:])
  }
}
