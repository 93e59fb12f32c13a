import Foundation
import TestSupport

/// The whole pipeline in a simulated world: everything that happens in it follows from one seed.
public struct Simulation {
  /// What came of one seed.
  public struct Outcome: Sendable {
    /// The seed.
    public let seed: UInt64
    /// What happened, in words.
    public let steps: [String]
    /// Which promise was broken first; nil: none.
    public let failure: BrokenPromise?

    /// What to do about it, for whoever has to find the reason.
    public var report: String {
      (steps + ["\(failure.map { "\($0)" } ?? "all promises were kept")", "SEED=\(seed)"])
        .joined(separator: "\n")
    }
  }

  /// Where ledgers are kept: in memory, if the system has such a folder.
  private static let root =
    FileManager.default.isWritableFile(atPath: "/dev/shm")
    ? "/dev/shm" : FileManager.default.temporaryDirectory.path

  /// Lets a world run.
  public static func run(seed: UInt64, sabotage: Sabotage? = nil) -> Outcome {
    // Two worlds of one seed may run at once.
    let folder = "\(root)/paywall-simulation-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let world: World
    do {
      world = try World(seed: seed, folder: folder, sabotage: sabotage)
    } catch {
      return Outcome(seed: seed, steps: [], failure: BrokenPromise(.error, "\(error)"))
    }
    do {
      try world.run()
      return Outcome(seed: seed, steps: world.steps, failure: nil)
    } catch {
      let failure = error as? BrokenPromise ?? BrokenPromise(.error, "\(error)")
      return Outcome(seed: seed, steps: world.steps, failure: failure)
    }
  }
}
