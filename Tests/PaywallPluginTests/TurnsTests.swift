import PaywallCore
import TestSupport
import Testing

@testable import PaywallPlugin

struct TurnsTests {
  @Test func `each is looked at once in a turn, whatever comes and goes`() {
    let seed = testSeed()
    var random = SplitMix64(seed: seed)
    var turns = Turns<Int>()
    var present: Set<Int> = []
    var left: Set<Int> = []
    for step in 0..<20_000 {
      let number = Int.random(in: 0..<50, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0:
        turns.insert(number)
        if present.insert(number).inserted { left.insert(number) }
      case 1:
        turns.remove(number)
        present.remove(number)
        left.remove(number)
      default:
        let limit = Int.random(in: 0..<8, using: &random)
        let taken = turns.take(atMost: limit)
        #expect(taken.count == min(limit, left.count), "seed \(seed), step \(step)")
        #expect(left.isSuperset(of: taken) && Set(taken).count == taken.count)
        left.subtract(taken)
      }
      #expect(turns.count == present.count)
      if left.isEmpty {
        turns.restart()
        left = present
      }
    }
  }

  @Test func `ten thousand members are looked at within a second of ten turns of the loop`() {
    var members = SharedMembers()
    for number in 0..<10_000 {
      let id = Array("\(number)".utf8)
      let session = SharedMembers.Session(username: id, record: nil, isWatched: true)
      let member = SharedMembers.Member(clientID: id, filter: Array("$share/g/a".utf8))
      let isNoted = members.insert(member, of: session, concernsSold: number < 5000)
      #expect(isNoted)
    }
    // From any moment on, and when the rules change.
    for start in [0, 350] as [Int64] {
      members.lookAtAll()
      var seen: Set<SharedMembers.Member> = []
      for tick in 1...10 as ClosedRange<Int64> {
        let due = members.takeDue(nowMs: start + tick * 100)
        #expect(due.count <= 3000)
        seen.formUnion(due)
      }
      #expect(seen.count == 10_000)
    }
  }

  @Test func `few members are looked at four times a second`() {
    var members = SharedMembers()
    for number in 0..<3 as Range<UInt8> {
      let session = SharedMembers.Session(username: nil, record: nil, isWatched: true)
      let member = SharedMembers.Member(clientID: [number], filter: [])
      let isNoted = members.insert(member, of: session, concernsSold: true)
      #expect(isNoted)
    }
    _ = members.takeDue(nowMs: 10_000)
    var seen: [SharedMembers.Member] = []
    for nowMs in 10_001...11_000 as ClosedRange<Int64> { seen += members.takeDue(nowMs: nowMs) }
    #expect((11...13).contains(seen.count))
  }

  @Test func `a session that is offline is searched for later and later`() {
    var members = SharedMembers()
    let session = SharedMembers.Session(username: nil, record: nil, isWatched: true)
    let isNoted = members.insert(
      .init(clientID: [1], filter: []), of: session, concernsSold: false)
    #expect(isNoted)
    members.disconnected([1], nowMs: 0)
    var searchesMs: [Int64] = []
    for nowMs in stride(from: 0, through: 20_000, by: 100) as StrideThrough<Int64> {
      for clientID in members.takeOffline(nowMs: nowMs) {
        searchesMs.append(nowMs)
        // As a kick tells it.
        members.disconnected(clientID, nowMs: nowMs)
      }
    }
    #expect((4...7).contains(searchesMs.count), "\(searchesMs)")
  }
}
