import Foundation
import Synchronization
import TestSupport

/// The seller's device: publishes numbered messages, one every 20 ms, until it is stopped.
final class Sensor {
  private let work: Work

  /// Starts to publish, with QoS 0.
  init(port: UInt16, topics: [String]) throws {
    let name = "agent"
    let client = try Client(
      port: port, .init(username: name, password: Mosquitto.password(of: name)))
    guard try client.connect() == 0 else { throw TestFailure("the sensor is refused") }
    let work = Work(client: client, topics: topics)
    self.work = work
    Thread { work.run() }.start()
  }

  deinit { stop() }

  /// Stops; the last message is sent when this returns.
  func stop() {
    work.isStopping.withLock { $0 = true }
    work.ended.wait()
    work.ended.signal()
  }

  /// When each message was published, in Unix milliseconds; a message's text is its place here.
  var times: [Int64] { work.times.withLock { $0 } }

  /// How many messages of each topic it has published.
  var count: Int { work.times.withLock { $0.count } }

  /// Whether a client receives all that a sensor which has stopped published of a topic since the
  /// client subscribed: numbers without a gap, up to the last.
  func reaches(_ client: Client, _ topic: String) -> Bool {
    eventually {
      let numbers = client.arrivals(of: topic).compactMap { Int($0.text) }
      return numbers.first.map { Array($0..<count) == numbers } ?? false
    }
  }

  /// Waits until it has published something after a time.
  func publish(untilMs timeMs: Int64) throws {
    let timeoutS = Double(max(0, timeMs - nowMs())) / 1000 + 10
    guard eventually(within: timeoutS, { times.last ?? 0 > timeMs }) else {
      throw TestFailure("the sensor publishes no more")
    }
  }

  /// What its thread does.
  private final class Work: Sendable {
    let client: Client
    let topics: [String]
    let isStopping = Mutex(false)
    let times = Mutex<[Int64]>([])
    let ended = DispatchSemaphore(value: 0)

    init(client: Client, topics: [String]) {
      self.client = client
      self.topics = topics
    }

    func run() {
      while !isStopping.withLock({ $0 }) {
        let number = times.withLock { times in
          times.append(nowMs())
          return times.count - 1
        }
        // When the broker is gone, its test says so.
        for topic in topics { _ = try? client.publish(topic, "\(number)") }
        usleep(20_000)
      }
      ended.signal()
    }
  }
}
