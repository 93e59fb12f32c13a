import ArgumentParser
import Simulation

/// Lets many simulated worlds run, and prints the first that breaks a promise.
@main struct Simulate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Runs the whole pipeline in simulated worlds, each from a seed.")

  @Option(help: "How many worlds.") var seeds: UInt64 = 1000
  @Option(help: "The first seed; the others follow. Without it, a random one.") var seed: UInt64?
  @Flag(help: "Tells the steps of every world.") var steps = false

  func run() throws {
    let first = seed ?? UInt64.random(in: 0...(.max >> 1))
    let clock = ContinuousClock()
    let start = clock.now
    for number in 0..<seeds {
      let outcome = Simulation.run(seed: first &+ number)
      if steps { print(outcome.report) }
      guard outcome.failure != nil else { continue }
      if !steps { print(outcome.report) }
      print("broken by seed \(number + 1) of \(seeds); again: scripts/simulate --seed \(outcome.seed)")
      throw ExitCode.failure
    }
    let seconds = (clock.now - start) / .seconds(1)
    print("\(seeds) seeds from \(first): all promises were kept, \(Int(Double(seeds) / seconds)) a second")
  }
}
