import Foundation
import MQTTClient
import SmartPlug

/// A feed that runs on the calling thread until it is stopped from another one.
final class Agent: Sendable {
  private let settings: PlugSettings
  private let source: any PowerSource
  private let client: MQTTClient
  private let stopSignal = StopSignal()

  init(settings: PlugSettings, source: any PowerSource, client: MQTTClient) {
    self.settings = settings
    self.source = source
    self.client = client
  }

  /// Reads and publishes until ``stop()``, then says goodbye and disconnects.
  func run() {
    client.start()
    let clock: @Sendable () -> Int64 = { MonotonicClock.nowMs() }
    var feed = PlugFeed(
      settings: settings, source: source, broker: client, clock: clock, log: Self.log)
    while !stopSignal.wait(ms: feed.tick() - clock()) {}
    if client.isConnected {
      // The broker keeps the will to itself after an orderly end, so the agent sends it.
      try? client.publish(PlugFeed.farewell(settings), waitMs: 1000)
    }
    client.disconnect()
    let counts = feed.counts
    Self.log(
      "Stopped after \(counts.good) readings; \(counts.bad) failed, \(counts.skipped) skipped.")
  }

  /// Ends a running request to the plug, and the feed.
  func stop() {
    stopSignal.set()
    source.cancel()
  }

  static let log: @Sendable (String) -> Void = { line in
    FileHandle.standardError.write(Data("sensor-agent: \(line)\n".utf8))
  }
}
