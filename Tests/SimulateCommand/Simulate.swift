import ArgumentParser
import Simulation

/// Lets many simulated worlds run, and prints the first that breaks a promise.
@main struct Simulate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Runs the whole pipeline in simulated worlds, each from a seed.")

  @Option(help: "How many worlds.") var seeds: UInt64?
  @Option(help: "The first seed; the others follow. Without it, a random one.") var seed: UInt64?
  @Flag(help: "Print the steps of every world.") var steps = false

  func run() throws {
    let first = seed ?? UInt64.random(in: 0...(.max >> 1))
    let count = seeds ?? (seed == nil ? 1000 : 1)
    let start = ContinuousClock.now
    for number in 0..<count {
      let outcome = Simulation.run(seed: first &+ number)
      if steps || outcome.failure != nil { print(outcome.report) }
      guard outcome.failure != nil else { continue }
      print("broken by seed \(number + 1) of \(count)")
      print("again: scripts/simulate --seed \(outcome.seed)")
      throw ExitCode.failure
    }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let rate = Int(Double(count) / max(seconds, 0.001))
    print("\(count) seeds from \(first): all promises were kept, \(rate) seeds a second")
  }
}
