import Foundation
import Fuzz
import TestSupport
import Testing

/// Every input that was ever worth keeping, and some thousand changed ones; `scripts/fuzz` runs more.
@Suite(.serialized) struct FuzzTests {
  /// Of each kind; `FUZZ_INPUTS` of the environment for more.
  static let changedInputCount =
    ProcessInfo.processInfo.environment["FUZZ_INPUTS"].flatMap { Int($0) } ?? 1500

  @Test(arguments: FuzzTarget.all.map(\.name))
  func `no input breaks what is promised`(kind: String) throws {
    let target = try #require(FuzzTarget.all.first { $0.name == kind })
    let corpus = try target.corpus()
    #expect(!corpus.isEmpty)
    for (name, bytes) in corpus {
      #expect(throws: Never.self, "Corpus/\(kind)/\(name)") { try target.run(bytes) }
    }
    // Written before, and unbuffered: a trap ends the process, and then nothing else tells what to
    // repeat.
    let seed = testSeed()
    let line = "FuzzTests: \(kind), seed \(seed), \(Self.changedInputCount) inputs\n"
    FileHandle.standardError.write(Data(line.utf8))
    var mutator = Mutator(corpus: corpus.map(\.bytes), random: SplitMix64(seed: seed))
    for index in 0..<Self.changedInputCount {
      let bytes = mutator.next()
      do {
        try target.run(bytes)
      } catch {
        Issue.record("\(kind), SEED=\(seed), input \(index): \(error) \(bytes)")
        return
      }
    }
  }

  @Test func `a mutator repeats itself for a seed, and does not repeat its corpus`() {
    let corpus = [Array("some".utf8), Array("other".utf8)]
    var first = Mutator(corpus: corpus, random: SplitMix64(seed: 1))
    var second = Mutator(corpus: corpus, random: SplitMix64(seed: 1))
    let inputs = (0..<100).map { _ in first.next() }
    #expect(inputs == (0..<100).map { _ in second.next() })
    #expect(Set(inputs).count > 50)
  }
}
