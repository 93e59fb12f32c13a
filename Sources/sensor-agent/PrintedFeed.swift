import Foundation
import MQTTClient

/// Prints what would be published, a line for each message.
struct PrintedFeed: FeedPublisher {
  let broker = "(none: dry run)"
  let isConnected = true
  let connections = 1
  let lastFailure: MQTTError? = nil

  func publish(_ message: MQTTMessage) {
    let retained = message.isRetained ? " (retained)" : ""
    FileHandle.standardOutput.write(Data("\(message.topic)\(retained) \(message.text)\n".utf8))
  }
}
