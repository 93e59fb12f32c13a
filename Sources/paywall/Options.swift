import ArgumentParser
import Foundation
import HTTP
import IOTACrypto
import PaywallCore
import Wallet

/// Which file holds the key.
struct KeyOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The key file: one line iotaprivkey1…, readable by you alone.",
      discussion: "Default: $XDG_CONFIG_HOME/mosquitto-paywall/wallet.key, else "
        + "~/.config/mosquitto-paywall/wallet.key.",
      valueName: "file"))
  var wallet: String?

  var file: KeyFile {
    KeyFile(path: wallet ?? Self.defaultFolder + "/mosquitto-paywall/wallet.key")
  }

  /// As https://specifications.freedesktop.org/basedir-spec says: relative paths are ignored.
  static var defaultFolder: String {
    let environment = ProcessInfo.processInfo.environment
    if let folder = environment["XDG_CONFIG_HOME"], folder.hasPrefix("/") { return folder }
    return (environment["HOME"] ?? NSHomeDirectory()) + "/.config"
  }
}

/// Which node is asked.
struct NodeOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The URL of an IOTA node's JSON-RPC.", valueName: "url"))
  var node = "https://api.mainnet.iota.cafe"

  @Option(
    help: ArgumentHelp(
      "The chain identifier that the node must have; 6364aad5 is mainnet.", valueName: "id"))
  var network: String?

  /// The node, of the right network where one was named.
  func connect() throws -> Node {
    let node = Node(url: node)
    if let network { try node.requireNetwork(network) }
    return node
  }
}

/// How answers are written.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Write JSON, as is done when the output is no terminal.")
  var json = false

  /// Whether a person is to read the answer.
  var isForPeople: Bool { !json && Terminal.isOutput }

  /// Writes an answer as JSON, or as lines for people.
  func write(_ answer: some Encodable, lines: @autoclosure () -> [String]) throws {
    try Self.write(answer, isForPeople: isForPeople, lines: lines())
  }

  /// The same, where it is decided elsewhere for whom.
  static func write(
    _ answer: some Encodable, isForPeople: Bool, lines: @autoclosure () -> [String]
  ) throws {
    if isForPeople {
      lines().forEach { print($0) }
    } else {
      print(String(decoding: try encoder.encode(answer), as: UTF8.self))
    }
  }

  /// How answers become JSON.
  static var encoder: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .iso8601
    return encoder
  }
}

/// An array of answers in JSON, written while they come.
struct JSONArrayOutput {
  private let encoder = OutputOptions.encoder
  private var isFirst = true

  /// Writes the next answer.
  mutating func add(_ answer: some Encodable) throws {
    let text = String(decoding: try encoder.encode(answer), as: UTF8.self)
    print((isFirst ? "[" : ",") + text, terminator: "")
    isFirst = false
  }

  /// Writes what stands behind the last answer.
  func end() {
    print(isFirst ? "[]" : "]")
  }
}
