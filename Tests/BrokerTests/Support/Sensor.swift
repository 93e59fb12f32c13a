import Foundation
import Synchronization
import TestSupport

/// The seller's device: publishes numbered messages, one every 20 ms, until it is stopped.
final class Sensor: Sendable {
  private let client: Client
  private let topics: [String]
  private let isStopping = Mutex(false)
  private let published = Mutex<[Int64]>([])
  private let ended = DispatchSemaphore(value: 0)

  /// Starts to publish, with QoS 0.
  init(port: UInt16, topics: [String]) throws {
    let name = "agent"
    client = try Client(
      port: port, .init(username: name, password: Mosquitto.password(of: name)))
    guard try client.connect() == 0 else { throw TestFailure("the sensor is refused") }
    self.topics = topics
    Thread { self.run() }.start()
  }

  /// Stops; the last message is sent when this returns.
  func stop() {
    let wasStopping = isStopping.withLock { isStopping in
      defer { isStopping = true }
      return isStopping
    }
    if !wasStopping { ended.wait() }
  }

  /// When each message was published, in Unix milliseconds; the text of a message is its place here.
  var times: [Int64] { published.withLock { $0 } }

  /// How many messages of each topic it has published.
  var count: Int { published.withLock { $0.count } }

  /// Waits until it has published something after a time.
  func publish(untilMs timeMs: Int64) throws {
    let timeoutS = Double(max(0, timeMs - nowMs())) / 1000 + 10
    guard eventually(within: timeoutS, { times.last ?? 0 > timeMs }) else {
      throw TestFailure("the sensor publishes no more")
    }
  }

  private func run() {
    while !isStopping.withLock({ $0 }) {
      let number = published.withLock { times in
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
