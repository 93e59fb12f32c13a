import Foundation
import HTTP
import MQTTClient

/// Writes messages to the standard output, or hands them to a command.
struct MessageWriter {
  let options: StreamOptions

  private struct Line: Encodable {
    let topic: String
    let payload: String?
    let payloadBase64: String?
    let qos: Int32
    let retain: Bool
    let time: String
  }

  func write(_ message: MQTTMessage) throws {
    if let command = options.exec {
      try run(command, message)
    } else if options.json {
      try Self.write(json(message))
    } else {
      let topic = options.verbose ? Array((message.topic + " ").utf8) : []
      try Self.write(shown(topic + message.payload) + [UInt8(ascii: "\n")])
    }
  }

  private func json(_ message: MQTTMessage) throws -> [UInt8] {
    let text = String(validating: message.payload, as: UTF8.self)
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let line = Line(
      topic: message.topic, payload: text,
      payloadBase64: text == nil ? Data(message.payload).base64EncodedString() : nil,
      qos: message.qos.rawValue, retain: message.isRetained,
      time: Moment.describe(ms: Moment.nowMs))
    return Array(try encoder.encode(line)) + [UInt8(ascii: "\n")]
  }

  /// On a terminal, what a seller sends must not command it.
  private func shown(_ bytes: [UInt8]) -> [UInt8] {
    guard Terminal.isOutput else { return bytes }
    let lines = String(decoding: bytes, as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false)
      .map { SafeText.line(String($0), maximumCount: 1 << 20) }
    return Array(lines.joined(separator: "\n").utf8)
  }

  /// At once, so that a program behind a pipe has it.
  private static func write(_ bytes: [UInt8]) throws {
    try FileHandle.standardOutput.write(contentsOf: Data(bytes))
  }

  private func run(_ command: String, _ message: MQTTMessage) throws {
    // A file and no pipe: a command that does not read its input must not stop us.
    guard let file = tmpfile() else { throw BrokerError("No temporary file can be made.") }
    defer { fclose(file) }
    guard fwrite(message.payload, 1, message.payload.count, file) == message.payload.count else {
      throw BrokerError("A temporary file cannot be written.")
    }
    rewind(file)
    try ShellCommand.run(command, input: fileno(file), variables: ["PAYWALL_TOPIC": message.topic])
  }
}
