import Foundation
import Simulation
import Testing

/// The whole pipeline in simulated worlds; `scripts/simulate` runs thousands.
struct SimulationTests {
  /// As many as ten seconds allow, always the same first; `SEED=…` repeats one, and
  /// `scripts/simulate` takes others.
  @Test func `no world breaks a promise`() {
    let given = ProcessInfo.processInfo.environment["SEED"].flatMap { UInt64($0) }
    let (seed, isReplay) = (given ?? 1, given != nil)
    let end = ContinuousClock.now + .seconds(10)
    var count: UInt64 = 0
    repeat {
      let outcome = Simulation.run(seed: seed &+ count)
      #expect(outcome.failure == nil, "\(outcome.report)")
      count += 1
      if outcome.failure != nil { return }
    } while !isReplay && ContinuousClock.now < end
  }

  @Test(arguments: Sabotage.allCases) func `a built-in fault is found`(_ sabotage: Sabotage) {
    let found = (1...300).lazy.compactMap { seed in
      Simulation.run(seed: seed, sabotage: sabotage).failure?.promise
    }
    #expect(found.contains(sabotage.promise))
  }
}
