import PaywallCore
import TestSupport
import Testing

private let minuteMs: Int64 = 60_000
private let hourMs: Int64 = 60 * minuteMs

/// Nodes that tell a time each, asked in turn; the true time is the monotonic clock's plus `truthMs`.
private struct World {
  static let truthMs: Int64 = 1_795_300_000_000

  var clock: TangleClock
  /// The wall clock's distance from the truth, in milliseconds.
  var wallErrorMs: Int64
  var nowMs: Int64 = 10_000

  init(wallErrorMs: Int64 = 0, agree: Int = 1) {
    self.wallErrorMs = wallErrorMs
    clock = TangleClock(
      wallMs: 10_000 + Self.truthMs + wallErrorMs, monotonicMs: 10_000, agree: agree)
  }

  /// How far the clock is from the truth, in milliseconds.
  var errorMs: Int64 { clock.offsetMs - Self.truthMs }

  /// Lets each node answer so many times, a second apart: how far it is from the truth; nil: nothing.
  mutating func ask(_ errors: [Int64?], times: Int = 3, everyMs: Int64 = 1000) {
    for _ in 0..<times {
      nowMs += everyMs
      for (node, error) in errors.enumerated() {
        guard let error else { continue }
        observe(Checkpoint(sequence: nowMs / 250, timeMs: nowMs + Self.truthMs + error), node)
      }
    }
  }

  mutating func observe(_ checkpoint: Checkpoint, _ node: Int) {
    clock.observe(
      newest: checkpoint, of: node, wallMs: nowMs + Self.truthMs + wallErrorMs, monotonicMs: nowMs)
  }
}

struct TangleClockTests {
  private func checkpoint(_ sequence: Int64, _ timeMs: Int64) -> Checkpoint {
    Checkpoint(sequence: sequence, timeMs: timeMs)
  }

  @Test func `the wall clock stands in until a node is seen to move on`() {
    var world = World(wallErrorMs: 2 * hourMs)
    #expect(world.errorMs == 2 * hourMs)
    world.ask([0], times: 1)
    #expect(!world.clock.isSynchronized)
    #expect(world.clock.isUnsettled(monotonicMs: world.nowMs))
    world.observe(checkpoint(world.nowMs / 250, world.nowMs + World.truthMs), 0)
    #expect(!world.clock.isSynchronized)
    world.ask([0], times: 1)
    #expect(world.clock.isSynchronized)
    #expect(!world.clock.isUnsettled(monotonicMs: world.nowMs))
    #expect(world.errorMs == 0)
  }

  @Test func `the nearest checkpoint of the last hour counts`() {
    var world = World()
    world.ask([-900, nil])
    #expect(world.errorMs == -900)
    world.ask([-100], times: 1)
    world.ask([-900])
    #expect(world.errorMs == -100)
    world.ask([-900], times: 59, everyMs: minuteMs)
    #expect(world.errorMs == -100)
    world.ask([-900], times: 3, everyMs: minuteMs)
    #expect(world.errorMs == -900)
  }

  @Test(arguments: [-3 * hourMs, -4 * minuteMs, 4 * minuteMs, 3 * hourMs])
  func `honest nodes are believed, whatever the wall clock says`(wallErrorMs: Int64) {
    for agree in 1...3 {
      var world = World(wallErrorMs: wallErrorMs, agree: agree)
      world.ask([-100, -200, -300])
      #expect(abs(world.errorMs) <= 300)
    }
  }

  @Test func `far from the wall clock it takes as many nodes as are to agree`() {
    var world = World(wallErrorMs: 2 * hourMs, agree: 3)
    world.ask([0, 0, nil])
    #expect(world.errorMs == 2 * hourMs)
    world.ask([0, 0, 30_000])
    #expect(abs(world.errorMs) <= 30_000)
    // Near it, one is enough.
    var near = World(wallErrorMs: 4 * minuteMs, agree: 3)
    near.ask([0])
    #expect(near.errorMs == 0)
  }

  @Test(arguments: [-2 * hourMs, -6 * minuteMs, -2 * minuteMs, 2 * minuteMs, 2 * hourMs])
  func `a liar beside an honest node moves nothing`(lieMs: Int64) {
    for errors: [Int64] in [[lieMs, 0], [0, lieMs]] {
      var world = World()
      world.ask(errors, times: 100)
      #expect(world.errorMs == 0)
    }
    // It lies only later, and the honest one has just been asked for the first time.
    var world = World()
    world.ask([0, nil])
    for answers in 1...50 {
      world.ask([lieMs, answers == 1 ? nil : 0], times: 1)
      if answers > 2 { #expect(world.errorMs == 0) }
    }
    #expect(world.errorMs == 0)
  }

  @Test func `a liar beside an honest node moves nothing while that one is down for a while`() {
    var world = World()
    world.ask([0, 0])
    world.ask([2 * hourMs, nil], times: 50, everyMs: minuteMs)
    #expect(world.errorMs == 0)
  }

  @Test func `where the wall clock is wrong too, most nodes decide`() {
    var world = World(wallErrorMs: 5 * hourMs)
    world.ask([2 * hourMs, 0])
    #expect(world.errorMs == 5 * hourMs, "one says this, one that: the clock stays")
    world.ask([2 * hourMs, 0, -100])
    #expect(world.errorMs == 0)
    // Not even one that tells the wrong wall clock's time.
    world.ask([5 * hourMs, 0, -100], times: 100)
    #expect(world.errorMs == 0)
  }

  @Test func `a frozen node does not stop the clock, nor keep others from being believed`() {
    var world = World()
    world.ask([0])
    let frozen = checkpoint(world.nowMs / 250, world.nowMs + World.truthMs)
    for _ in 1...5 {
      world.nowMs += hourMs
      world.observe(frozen, 0)
      #expect(world.errorMs == 0)
    }
    var wrong = World(wallErrorMs: 3 * hourMs)
    for _ in 1...10 {
      wrong.observe(checkpoint(1, 5000), 1)
      wrong.ask([0], times: 1)
    }
    #expect(wrong.errorMs == 0)
  }

  @Test func `a node that goes back, or catches up, is not believed`() {
    var world = World()
    world.ask([0])
    for step in 1...100 {
      world.nowMs += 1000
      world.observe(checkpoint(Int64(1000 - step), world.nowMs - hourMs), 0)
      #expect(world.errorMs == 0)
    }
    var wrong = World()
    for step in 1...100 {
      // Twenty times as fast as time goes by.
      wrong.nowMs += 1000
      wrong.observe(checkpoint(Int64(step), Int64(step) * 20_000), 0)
      #expect(wrong.errorMs == 0)
    }
  }

  @Test func `a lie that was believed ends with the lying where the wall clock says so`() {
    for lieMs in [4 * minuteMs, 2 * hourMs] {
      var world = World()
      world.ask([0])
      world.ask([lieMs])
      #expect(world.errorMs == lieMs, "one node alone, near or far")
      world.ask([0], times: 2)
      #expect(world.errorMs == 0)
    }
  }

  @Test func `a lie about the past never puts back a clock that knows better, for an hour`() {
    var world = World()
    world.ask([0])
    world.ask([-2 * hourMs], times: 59, everyMs: minuteMs)
    #expect(world.errorMs == 0)
    world.ask([0], times: 2)
    #expect(world.errorMs == 0)
    // One that was believed from the start ends at once, whatever the wall clock says.
    for wallErrorMs in [0, -2 * hourMs, 2 * hourMs] {
      var fooled = World(wallErrorMs: wallErrorMs)
      fooled.ask([-2 * hourMs])
      #expect(fooled.errorMs == -2 * hourMs)
      fooled.ask([0], times: 2)
      #expect(fooled.errorMs == 0)
    }
  }

  @Test func `a lie that the wall clock does not contradict ends within an hour`() {
    var world = World(wallErrorMs: 5 * hourMs)
    world.ask([hourMs])
    #expect(world.errorMs == hourMs)
    world.ask([0], times: 62, everyMs: minuteMs)
    #expect(world.errorMs == 0)
    // With more nodes, as soon as they are asked.
    world.ask([hourMs, nil, nil])
    world.ask([hourMs, 0, 0])
    #expect(world.errorMs == 0)
  }

  @Test func `the wall clock may jump`() {
    var world = World()
    world.ask([-100, -200])
    for wallErrorMs in [9 * hourMs, -9 * hourMs, 0] {
      world.wallErrorMs = wallErrorMs
      world.ask([-100, -200], times: 10)
      #expect((-200 ... -100).contains(world.errorMs))
      world.ask([-100], times: 10)
      #expect((-200 ... -100).contains(world.errorMs))
    }
  }

  @Test func `an old payment does not put the clock back, a new one puts it on a little`() {
    var world = World()
    world.ask([-300])
    world.clock.observe(past: checkpoint(1, 5000), monotonicMs: world.nowMs)
    #expect(world.errorMs == -300)
    world.clock.observe(
      past: checkpoint(2, world.nowMs + World.truthMs - 20), monotonicMs: world.nowMs)
    #expect(world.errorMs == -20)
    world.ask([-300])
    #expect(world.errorMs == -20)
    for lieMs: Int64 in [11_000, 4 * minuteMs, 2 * hourMs] {
      world.clock.observe(
        past: checkpoint(3, world.nowMs + World.truthMs + lieMs), monotonicMs: world.nowMs)
      #expect(world.errorMs == -20)
    }
    // Nor step by step.
    for step in Int64(1)...100 {
      world.clock.observe(
        past: checkpoint(3, world.nowMs + World.truthMs + step * 1000), monotonicMs: world.nowMs)
    }
    #expect(world.errorMs <= 9_700)
    world.ask([-300], times: 62, everyMs: minuteMs)
    #expect(world.errorMs == -300)
  }

  @Test func `access that has begun does not begin again when nodes tell the time`() {
    var world = World()
    // Known 120 ms after its checkpoint, by the wall clock that stands in for the nodes.
    world.clock.observe(
      past: checkpoint(1, world.nowMs + World.truthMs - 120), monotonicMs: world.nowMs)
    #expect(world.errorMs == 0)
    world.ask([-300])
    #expect(world.clock.isSynchronized)
    #expect(world.errorMs == -120)
  }

  @Test func `an absurd time is none`() {
    var world = World()
    for timeMs: Int64 in [.max, .min, -1, 253_402_300_800_000] {
      for sequence: Int64 in [.min, 0, .max - 1, .max] {
        let absurd = checkpoint(sequence, timeMs)
        world.observe(absurd, 0)
        world.clock.observe(past: absurd, monotonicMs: world.nowMs)
        #expect(
          world.clock.isDoubtful(
            absurd, wallMs: world.nowMs + World.truthMs, monotonicMs: world.nowMs))
      }
    }
    #expect(world.errorMs == 0)
    #expect(!world.clock.isSynchronized)
    // A number that nothing follows does not make the node's later word void.
    world.observe(checkpoint(.max, world.nowMs + World.truthMs), 0)
    world.ask([-50])
    #expect(world.clock.isSynchronized)
    #expect(world.errorMs == -50)
  }

  @Test func `other nodes are asked about what is far from the wall clock, or from the time told`()
  {
    var world = World()
    func isDoubtful(_ errorMs: Int64) -> Bool {
      let truthMs = world.nowMs + World.truthMs
      return world.clock.isDoubtful(
        checkpoint(1, truthMs + errorMs), wallMs: truthMs + world.wallErrorMs,
        monotonicMs: world.nowMs)
    }
    #expect(!isDoubtful(4 * minuteMs))
    #expect(isDoubtful(6 * minuteMs) && isDoubtful(-6 * minuteMs))
    world.ask([0])
    #expect(!isDoubtful(30_000) && isDoubtful(4 * minuteMs) && isDoubtful(-4 * minuteMs))
    world.wallErrorMs = hourMs
    #expect(isDoubtful(0))
  }

  @Test func `goes on where the nodes change`() {
    var world = World(wallErrorMs: 2 * hourMs)
    world.ask([0, 0])
    world.clock.forgetNodes(agree: 2)
    #expect(world.errorMs == 0)
    world.ask([0])
    #expect(world.errorMs == 0)
    world.ask([hourMs, hourMs])
    #expect(world.errorMs == hourMs)
  }

  @Test func `tells how wrong the wall clock is`() {
    var world = World(wallErrorMs: -2 * hourMs)
    world.ask([0])
    let truthMs = world.nowMs + World.truthMs
    #expect(world.clock.skewMs(wallMs: truthMs, monotonicMs: world.nowMs) == 0)
    #expect(
      world.clock.skewMs(wallMs: truthMs - 2 * hourMs, monotonicMs: world.nowMs) == 2 * hourMs)
    #expect(world.clock.skewMs(wallMs: truthMs + 500, monotonicMs: world.nowMs) == -500)
  }
}

extension TangleClockTests {
  @Test func `stays near the truth while most nodes are honest, whatever liars and wall say`() {
    let seed = testSeed()
    var random = SplitMix64(seed: seed)
    for _ in 0..<200 {
      let honest = Int.random(in: 2...4, using: &random)
      let liars = Int.random(in: 0..<honest, using: &random)
      let agree = Int.random(in: 1...honest, using: &random)
      var world = World(
        wallErrorMs: .random(in: -10 * hourMs...10 * hourMs, using: &random), agree: agree)
      var worstMs: Int64 = 0
      for step in 1...100 {
        // Honest ones answer late, at times not at all, at times twice the same.
        var errors: [Int64?] = (0..<honest).map { _ in
          .random(in: 0..<10, using: &random) == 0
            ? nil : -Int64.random(in: 0...2000, using: &random)
        }
        for _ in 0..<liars {
          let lies: [Int64?] = [
            nil, 0, world.wallErrorMs, .random(in: -10 * hourMs...10 * hourMs, using: &random),
            hourMs, world.errorMs + 9000, world.errorMs - 9000,
          ]
          errors.append(lies.randomElement(using: &random) ?? nil)
        }
        if Int.random(in: 0..<20, using: &random) == 0 {
          world.wallErrorMs = .random(in: -10 * hourMs...10 * hourMs, using: &random)
        }
        world.ask(errors, times: 1, everyMs: .random(in: 400...minuteMs, using: &random))
        // All honest ones have been heard twice by then.
        if step > 20 { worstMs = max(worstMs, abs(world.errorMs)) }
      }
      #expect(worstMs <= 2000, "seed \(seed)")
    }
  }

  @Test func `stays within the tolerance where the wall clock is right and one node is honest`() {
    let seed = testSeed()
    var random = SplitMix64(seed: seed)
    for _ in 0..<200 {
      let wallErrorMs = Int64.random(in: -minuteMs...minuteMs, using: &random)
      var world = World(wallErrorMs: wallErrorMs)
      var worstMs: Int64 = 0
      for step in 1...100 {
        let lieMs = Int64.random(in: -10 * hourMs...10 * hourMs, using: &random)
        world.ask(
          [step % 10 < 5 ? lieMs : hourMs, -Int64.random(in: 0...2000, using: &random)], times: 1)
        worstMs = max(worstMs, abs(world.errorMs))
      }
      #expect(worstMs <= abs(wallErrorMs) + TangleClock.toleranceMs, "seed \(seed)")
    }
  }
}
