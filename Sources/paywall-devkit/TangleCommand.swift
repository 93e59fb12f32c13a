import ArgumentParser
import DevTangle
import Foundation

/// Runs a small IOTA node and its faucet until a signal ends it.
struct TangleCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tangle",
    abstract: "A small IOTA node and its faucet.",
    discussion: """
      Answers the JSON-RPC of an IOTA node, and the requests of a faucet, with a ledger of its own \
      that lives until the command ends. Prints one line once both are ready. SIGINT and SIGTERM \
      end it.

      Faults are set while it runs, on either port: POST /devkit/faults with \
      {"faults":[{"kind":"slow","method":"iota_getCheckpoint","count":3,"value":2000}]}. Kinds: \
      \(Fault.Kind.allCases.map(\.rawValue).joined(separator: ", ")).
      """)

  @Option(help: "The port of the JSON-RPC; 0: any that is free.")
  var port: UInt16 = 9000

  @Option(help: "The port of the faucet; 0: any that is free.")
  var faucetPort: UInt16 = 9123

  @Option(help: "The IPv4 address to listen on.")
  var host = "127.0.0.1"

  @Option(help: "Milliseconds between checkpoints.")
  var checkpointMs = 250

  @Option(help: "Milliseconds after which a transaction shows up in queries.")
  var indexLagMs: Int64 = 0

  @Option(help: "Eight hexadecimal digits that name the network. (default: new with each start)")
  var chainID: String?

  @Flag(help: "Print the line as JSON.")
  var json = false

  mutating func validate() throws {
    guard (1...3_600_000).contains(checkpointMs) else {
      throw ValidationError("--checkpoint-ms must be 1 to 3600000.")
    }
    guard indexLagMs >= 0 else { throw ValidationError("--index-lag-ms must not be negative.") }
    if let chainID {
      let digits = Set("0123456789abcdef")
      guard chainID.count == 8, chainID.allSatisfy(digits.contains) else {
        throw ValidationError("--chain-id must be eight lower-case hexadecimal digits.")
      }
    }
  }

  func run() async throws {
    var options = DevTangle.Options()
    options.host = host
    options.port = port
    options.faucetPort = faucetPort
    options.checkpointMs = checkpointMs
    options.indexLagMs = indexLagMs
    options.chainIdentifier = chainID
    let signals = Signals([SIGINT, SIGTERM])
    let tangle = try await DevTangle.start(options)
    try announce(tangle)
    await signals.first()
    await tangle.stop()
  }

  private func announce(_ tangle: DevTangle) throws {
    let line: String
    if json {
      let fields = [
        "node": tangle.nodeURL, "faucet": tangle.faucetURL,
        "chainIdentifier": tangle.chainIdentifier,
      ]
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      line = String(decoding: try encoder.encode(fields), as: UTF8.self)
    } else {
      line =
        "tangle \(tangle.nodeURL) faucet \(tangle.faucetURL) network \(tangle.chainIdentifier)"
    }
    // Whoever waits for the line may read it through a pipe.
    try FileHandle.standardOutput.write(contentsOf: Data("\(line)\n".utf8))
  }
}
