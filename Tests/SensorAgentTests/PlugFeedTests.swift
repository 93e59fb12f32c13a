import Foundation
import MQTTClient
import SmartPlug
import Synchronization
import Testing

@testable import sensor_agent

/// A world of one plug and one broker, in which time passes only when something takes time.
private final class World: PowerSource, FeedPublisher {
  enum Reading {
    case sample(mW: Int, takesMs: Int64)
    case failure(PlugError.Kind, takesMs: Int64)
  }

  private struct State {
    var nowMs: Int64 = 1_000_000
    var script: [Reading] = []
    var readAtMs: [Int64] = []
    var published: [(atMs: Int64, message: MQTTMessage)] = []
    var lines: [String] = []
    var isConnected = true
    var connections = 1
  }

  private let state = Mutex(State())
  let name = "http://plug"
  let isPushed: Bool
  let maximumPauseMs: Int64 = 30_000
  let broker = "broker:1883"

  init(isPushed: Bool = false) { self.isPushed = isPushed }

  var now: Int64 { state.withLock { $0.nowMs } }
  var isConnected: Bool { state.withLock { $0.isConnected } }
  var connections: Int { state.withLock { $0.connections } }
  var lastFailure: MQTTError? { nil }
  var readAtMs: [Int64] { state.withLock { $0.readAtMs } }
  var lines: [String] { state.withLock { $0.lines } }

  func cancel() {}

  func read() throws(PlugError) -> PowerSample {
    let (reading, nowMs) = state.withLock { state in
      state.readAtMs.append(state.nowMs)
      let reading =
        state.script.isEmpty ? Reading.sample(mW: 1000, takesMs: 1) : state.script.removeFirst()
      switch reading {
      case .sample(_, let ms), .failure(_, let ms): state.nowMs += ms
      }
      return (reading, state.nowMs)
    }
    switch reading {
    case .sample(let mW, _):
      return PowerSample(milliwatts: mW, state: .on, takenAtMs: nowMs)
    case .failure(let kind, _):
      throw PlugError(kind, "http://plug: \(kind).")
    }
  }

  func publish(_ message: MQTTMessage) throws(MQTTError) {
    state.withLock { $0.published.append(($0.nowMs, message)) }
  }

  func will(_ script: [Reading]) { state.withLock { $0.script = script } }

  func disconnect() { state.withLock { $0.isConnected = false } }

  func reconnect() {
    state.withLock {
      $0.isConnected = true
      $0.connections += 1
    }
  }

  func texts(of topic: String) -> [String] {
    state.withLock { $0.published.filter { $0.message.topic == topic }.map(\.message.text) }
  }

  func times(of topic: String, text: String) -> [Int64] {
    state.withLock { state in
      state.published.filter { $0.message.topic == topic && $0.message.text == text }.map(\.atMs)
    }
  }

  var messages: [MQTTMessage] { state.withLock { $0.published.map(\.message) } }

  func feed(
    announcements: [MQTTMessage] = [],
    _ change: (inout PlugSettings) -> Void = { _ in },
    timeOfDay: @escaping @Sendable () -> Date = { Date(timeIntervalSince1970: 0) }
  ) -> PlugFeed {
    var settings = PlugSettings()
    change(&settings)
    return PlugFeed(
      settings: settings, source: self, broker: self, announcements: announcements,
      clock: { self.now }, timeOfDay: timeOfDay,
      log: { line in self.state.withLock { $0.lines.append(line) } })
  }

  /// Runs the feed as the agent does, for a time.
  func run(_ feed: inout PlugFeed, forMs ms: Int64) {
    let endMs = now + ms
    while now < endMs {
      let next = feed.tick()
      state.withLock { $0.nowMs = max($0.nowMs + (next <= $0.nowMs ? 1 : 0), min(next, endMs)) }
    }
  }
}

@Suite struct PlugFeedTests {
  @Test func `twice per second: the live value, the mean, and online once`() {
    let world = World()
    var feed = world.feed()
    world.will([.sample(mW: 1000, takesMs: 1), .sample(mW: 3000, takesMs: 1)])
    world.run(&feed, forMs: 1000)
    #expect(world.texts(of: "sensor/live") == ["1000", "3000"])
    #expect(world.texts(of: "sensor/1m") == ["1000", "1000"])
    #expect(world.texts(of: "sensor/status") == ["online"])
    let live = world.messages.filter { $0.topic == "sensor/live" }
    #expect(live.allSatisfy { !$0.isRetained && $0.qos == .atMostOnce })
    let mean = world.messages.filter { $0.topic == "sensor/1m" }
    #expect(mean.allSatisfy { $0.isRetained && $0.qos == .atMostOnce })
    let status = world.messages.filter { $0.topic == "sensor/status" }
    #expect(status.allSatisfy { $0.isRetained && $0.qos == .atLeastOnce })
    world.run(&feed, forMs: 59_000)
    #expect(feed.counts == PlugFeed.Counts(good: 120, bad: 0, skipped: 0))
  }

  @Test func `a reading that falls due during another one is left out, and the grid is kept`() {
    let world = World()
    var feed = world.feed()
    let start = world.now
    world.will([.sample(mW: 1, takesMs: 1700)])
    world.run(&feed, forMs: 3000)
    #expect(world.readAtMs.map { $0 - start } == [0, 2000, 2500])
    #expect(feed.counts.skipped == 3)
  }

  @Test func `after failures the plug is left alone for longer and longer`() {
    let world = World()
    var feed = world.feed()
    let start = world.now
    world.will(Array(repeating: .failure(.noAnswer, takesMs: 0), count: 8))
    world.run(&feed, forMs: 108_501)
    #expect(
      world.readAtMs.map { ($0 - start) / 100 } == [
        0, 5, 15, 35, 85, 185, 485, 785, 1085,
      ])
    #expect(feed.counts.bad == 8 && feed.counts.good == 1)
    #expect(world.texts(of: "sensor/live") == ["1000"])
  }

  @Test func `silent for longer than allowed it is offline, and online with the next good reading`()
  {
    let world = World()
    var feed = world.feed()
    let start = world.now
    world.run(&feed, forMs: 1000)
    world.will(Array(repeating: .failure(.noAnswer, takesMs: 0), count: 5))
    world.run(&feed, forMs: 30_000)
    let offline = world.times(of: "sensor/status", text: "offline").map { $0 - start }
    // The last good reading was at 501 ms.
    #expect(offline == [501 + 5001])
    #expect(world.times(of: "sensor/status", text: "online").map { $0 - start } == [1, 19_501])
    #expect(world.texts(of: "sensor/status") == ["online", "offline", "online"])
  }

  @Test func `one bad reading in between changes nothing and is logged once per kind`() {
    let world = World()
    var feed = world.feed()
    let bad = World.Reading.failure(.implausible, takesMs: 1)
    let other = World.Reading.failure(.unreadable, takesMs: 1)
    let good = World.Reading.sample(mW: 1000, takesMs: 1)
    world.will([good, bad, good, bad, good, other, good, other])
    world.run(&feed, forMs: 10_000)
    #expect(feed.counts.bad == 4)
    #expect(world.texts(of: "sensor/status") == ["online"])
    #expect(world.lines.filter { $0.contains("implausible") }.count == 1)
    #expect(world.lines.filter { $0.contains("unreadable") }.count == 1)
  }

  @Test func `a kind of failure that goes on is logged once an hour, with its count`() {
    let world = World()
    var log = FailureLog { line in try? world.publish(MQTTMessage(topic: "log", text: line)) }
    for minute in 0..<181 {
      log.note(PlugError(.noAnswer, "http://plug: no."), atMs: Int64(minute) * 60_000)
    }
    #expect(
      world.texts(of: "log") == ["A reading failed. http://plug: no."]
        + Array(repeating: "60 more readings failed (no answer). http://plug: no.", count: 3))
  }

  @Test func `while the broker is away nothing is kept, and the status comes with the connection`()
  {
    let world = World()
    var feed = world.feed()
    world.run(&feed, forMs: 1000)
    world.disconnect()
    world.run(&feed, forMs: 5000)
    #expect(world.texts(of: "sensor/live").count == 2)
    world.reconnect()
    world.run(&feed, forMs: 1000)
    #expect(world.texts(of: "sensor/live").count == 4)
    #expect(world.texts(of: "sensor/status") == ["online", "online"])
    #expect(feed.counts.good == 14)
  }

  @Test func `a plug that never answered is offline from the first connection on`() {
    let world = World()
    var feed = world.feed()
    world.will(Array(repeating: .failure(.noAnswer, takesMs: 3000), count: 3))
    world.run(&feed, forMs: 9000)
    #expect(world.texts(of: "sensor/status") == ["offline"])
    world.run(&feed, forMs: 5000)
    #expect(world.texts(of: "sensor/status") == ["offline", "online"])
  }

  @Test func `a source that brings its readings is waited for, and never left alone`() {
    let world = World(isPushed: true)
    var feed = world.feed()
    let start = world.now
    world.will([
      .failure(.nothingNew, takesMs: 500), .sample(mW: 7, takesMs: 100),
      .failure(.noAnswer, takesMs: 500), .failure(.noAnswer, takesMs: 500),
      .failure(.noAnswer, takesMs: 500), .sample(mW: 8, takesMs: 100),
    ])
    world.run(&feed, forMs: 3000)
    #expect(world.readAtMs.prefix(6).map { $0 - start } == [0, 501, 1000, 1501, 2002, 2503])
    #expect(Array(world.texts(of: "sensor/live").prefix(2)) == ["7", "8"])
    #expect(feed.counts.bad == 3 && feed.counts.skipped == 0)
  }

  @Test func `a source without news goes offline, and its last value is not said again`() {
    let world = World(isPushed: true)
    var feed = world.feed()
    world.will(
      [.sample(mW: 7, takesMs: 1)]
        + Array(repeating: .failure(.nothingNew, takesMs: 500), count: 40))
    world.run(&feed, forMs: 15_000)
    #expect(world.texts(of: "sensor/live") == ["7"])
    #expect(world.texts(of: "sensor/status") == ["online", "offline"])
    #expect(feed.counts.bad == 0)
  }

  @Test func `a clock that jumps ahead by a day leaves readings out and makes up none`() {
    let world = World()
    var feed = world.feed()
    world.run(&feed, forMs: 1000)
    world.will([.sample(mW: 5000, takesMs: 86_400_000)])
    world.run(&feed, forMs: 86_401_000)
    let count = world.texts(of: "sensor/live").count
    #expect((4...6).contains(count), "\(count)")
    // The mean does not reach across the gap.
    #expect(world.texts(of: "sensor/1m")[2] == "5000")
    #expect(feed.counts.skipped >= 172_799)
  }

  @Test func `a time of day that jumps back changes the text alone`() throws {
    let world = World()
    let seconds = Mutex(1_795_371_257.5)
    var feed = world.feed {
      $0.format = .json
      $0.unit = .watts
      $0.name = "kitchen"
    } timeOfDay: {
      Date(timeIntervalSince1970: seconds.withLock { $0 })
    }
    let start = world.now
    world.run(&feed, forMs: 1000)
    seconds.withLock { $0 -= 7200 }
    world.run(&feed, forMs: 1000)
    let texts = world.texts(of: "sensor/kitchen/live")
    #expect(world.readAtMs.map { $0 - start } == [0, 500, 1000, 1500])
    #expect(
      texts.first == #"{"device":"kitchen","power":1,"seq":1,"state":"on","#
        + #""time":"2026-11-22T18:14:17.500Z","unit":"W"}"#)
    #expect(
      texts.last?.contains(#""seq":4,"state":"on","time":"2026-11-22T16:14:17.500Z""#) == true)
  }

  @Test func `each connection brings the announcements anew, before the status`() {
    let world = World()
    let config = MQTTMessage(topic: "homeassistant/x", text: "{}", isRetained: true)
    var feed = world.feed(announcements: [config])
    world.run(&feed, forMs: 1000)
    world.disconnect()
    world.run(&feed, forMs: 1000)
    world.reconnect()
    world.run(&feed, forMs: 1000)
    #expect(world.texts(of: "homeassistant/x") == ["{}", "{}"])
    #expect(world.messages.first == config)
  }

  @Test func `the counts are logged once an hour`() {
    let world = World()
    var feed = world.feed {
      $0.intervalMs = 60_000; $0.silenceMs = 100_000
    }
    world.run(&feed, forMs: 7_300_000)
    #expect(world.lines.filter { $0.contains("readings; 0 failed") }.count == 2)
  }

  @Test func `the pauses grow and then stay`() {
    #expect(BackOff.pauseMs(afterFailures: 9, atMost: 5000) == 5000)
    #expect(
      (0...9).map { BackOff.pauseMs(afterFailures: $0) ?? 0 }
        == [0, 0, 1000, 2000, 5000, 10_000, 30_000, 30_000, 30_000, 30_000])
  }
}
