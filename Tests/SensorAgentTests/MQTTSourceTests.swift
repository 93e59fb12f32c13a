import Foundation
import MQTTClient
import SmartPlug
import Testing

@testable import sensor_agent

@Suite(.timeLimit(.minutes(2))) struct MQTTSourceTests {
  private func source(_ broker: TestBroker, pointer: String = "/power") throws -> MQTTSource {
    let options = MQTTOptions(host: "127.0.0.1", port: broker.port)
    return try MQTTSource(
      options, topic: "z/plug", place: PowerPlace(pointer: try #require(JSONPointer(pointer))))
  }

  /// Reads until there is something else than nothing new.
  private func outcome(_ source: MQTTSource) -> Result<Int, PlugError> {
    for _ in 0..<60 {
      do {
        return .success(try source.read().milliwatts)
      } catch let error where error.kind != .nothingNew {
        return .failure(error)
      } catch {}
    }
    return .failure(PlugError(.nothingNew, "nothing in 30 s"))
  }

  private func subscribed(_ source: MQTTSource) -> Bool {
    for _ in 0..<60 {
      do {
        _ = try source.read()
      } catch {
        if error.kind == .nothingNew { return true }
      }
    }
    return false
  }

  @Test func `each message is one reading, the newest counts, retained ones do not`() throws {
    let broker = try TestBroker()
    let sender = try broker.client()
    try sender.publish(
      MQTTMessage(topic: "z/plug", text: "{\"power\":99}", qos: .atLeastOnce, isRetained: true),
      waitMs: 5000)
    let source = try source(broker)
    defer { source.cancel() }
    #expect(subscribed(source))
    try sender.publish(
      MQTTMessage(topic: "z/plug", text: "{\"power\":41.4}", qos: .atLeastOnce), waitMs: 5000)
    #expect(outcome(source) == .success(41_400))
    let error = #expect(throws: PlugError.self) { try source.read() }
    #expect(error?.kind == .nothingNew)
  }

  @Test(arguments: [
    ("<html>", PlugError.Kind.unreadable), ("{\"power\":", .unreadable), ("", .unreadable),
    ("{\"power\":NaN}", .unreadable), ("{\"power\":-5}", .implausible),
    ("{\"power\":1e300}", .implausible), ("{\"power\":\"nan\"}", .unreadable),
    (String(repeating: " ", count: 100_000) + "1", .tooLarge),
  ])
  func `a bad message is an error, never a value`(text: String, kind: PlugError.Kind) throws {
    let broker = try TestBroker()
    let sender = try broker.client()
    let source = try source(broker)
    defer { source.cancel() }
    #expect(subscribed(source))
    try sender.publish(
      MQTTMessage(topic: "z/plug", text: text, qos: .atLeastOnce), waitMs: 5000)
    guard case .failure(let error) = outcome(source) else {
      Issue.record("a value came out of \(text.prefix(40))")
      return
    }
    #expect(error.kind == kind)
  }

  @Test func `it comes back with its broker, and ends when cancelled`() throws {
    var broker = try TestBroker()
    let port = broker.port
    let source = try source(broker, pointer: "")
    #expect(subscribed(source))
    broker.stop()
    if case .failure(let error) = outcome(source) { #expect(error.kind == .noAnswer) }
    broker = try TestBroker(port: port)
    let sender = try broker.client()
    var value: Int?
    for _ in 0..<100 where value == nil {
      try sender.publish(MQTTMessage(topic: "z/plug", text: "7"))
      value = try? source.read().milliwatts
    }
    #expect(value == 7000)
    source.cancel()
    let error = #expect(throws: PlugError.self) { try source.read() }
    #expect(error?.kind == .cancelled)
  }
}
