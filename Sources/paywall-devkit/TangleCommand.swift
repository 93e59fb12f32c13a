import ArgumentParser
import DevTangle
import Foundation
import PaywallCore

/// Runs a small IOTA node and its faucet until a signal ends it.
struct TangleCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tangle",
    abstract: "A small IOTA node and its faucet.",
    discussion: """
      Answers the JSON-RPC of an IOTA node, queries in GraphQL under /graphql on the same port, and \
      the requests of a faucet, with a ledger of its own that lives until the command ends. Prints one line once both are ready. SIGINT and SIGTERM \
      end it.

      Faults are set while it runs, on either port: POST /devkit/faults with \
      {"faults":[{"kind":"slow","method":"iota_getCheckpoint","count":3,"value":2000}]}. Kinds: \
      \(Fault.Kind.allCases.map(\.rawValue).joined(separator: ", ")).

      With --protocol stardust it is a private tangle of Stardust: the REST of a Hornet node with \
      its indexer, for reading alone. Payments are made by `paywall-devkit pay`, or POST \
      /devkit/pay with {"to":"0x…","amount":"1"}; POST /devkit/sweep with {"owner":"0x…","to":"0x…"} \
      spends what somebody has. Nothing is signed: it is for development alone.
      """)

  @Option(
    help: "The nodes' protocol: rebased-jsonrpc, rebased-graphql (one node has both) or stardust.")
  var `protocol` = TangleProtocol.rebasedJSONRPC

  @Option(help: "The node's port; 0: any that is free. (default: 9000, with stardust 14265)")
  var port: UInt16?

  @Option(help: "The port of the faucet; 0: any that is free.")
  var faucetPort: UInt16 = 9123

  @Option(help: "The IPv4 address to listen on.")
  var host = "127.0.0.1"

  @Option(
    help: "Milliseconds between checkpoints, or milestones. (default: 250, with stardust 1000)")
  var checkpointMs: Int?

  @Option(help: "Milliseconds after which a transaction shows up in queries.")
  var indexLagMs: Int64 = 0

  @Option(help: "Eight hexadecimal digits that name the network. (default: new with each start)")
  var chainID: String?

  @Option(help: "How many payments there have been before the start.")
  var payments = 0

  @Option(help: "The address that got them.")
  var paymentsTo: String?

  @Option(help: "The days before the start over which they are spread.")
  var paymentsDays = 90

  @Flag(help: "Print the line as JSON.")
  var json = false

  mutating func validate() throws {
    let least = `protocol` == .stardust ? 1000 : 1
    guard (least...3_600_000).contains(checkpointMs ?? 1000) else {
      throw ValidationError("--checkpoint-ms must be \(least) to 3600000.")
    }
    guard indexLagMs >= 0 else { throw ValidationError("--index-lag-ms must not be negative.") }
    if let chainID {
      let digits = Set("0123456789abcdef")
      guard chainID.count == 8, chainID.allSatisfy(digits.contains) else {
        throw ValidationError("--chain-id must be eight lower-case hexadecimal digits.")
      }
    }
    guard (0...1_000_000).contains(payments) else {
      throw ValidationError("--payments must be 0 to 1000000.")
    }
    guard (1...3_650).contains(paymentsDays) else {
      throw ValidationError("--payments-days must be 1 to 3650.")
    }
    guard payments == 0 || recipient != nil else {
      throw ValidationError("--payments needs --payments-to and an address of 64 digits.")
    }
  }

  private var recipient: Address? { paymentsTo.flatMap { Address($0) } }

  private var backlog: Backlog? {
    guard payments > 0, let recipient else { return nil }
    var backlog = Backlog(count: payments, to: recipient)
    backlog.spanMs = Int64(paymentsDays) * 86_400_000
    return backlog
  }

  func run() async throws {
    switch `protocol` {
    case .rebasedJSONRPC, .rebasedGraphQL: try await runRebased()
    case .stardust: try await runStardust()
    }
  }

  private func runRebased() async throws {
    var options = DevTangle.Options()
    options.host = host
    options.port = port ?? 9000
    options.faucetPort = faucetPort
    options.checkpointMs = checkpointMs ?? 250
    options.indexLagMs = indexLagMs
    options.chainIdentifier = chainID
    options.backlog = backlog
    let signals = Signals([SIGINT, SIGTERM])
    let tangle = try await DevTangle.start(options)
    try announce(
      [
        "node": tangle.nodeURL, "graphql": tangle.graphQLURL, "faucet": tangle.faucetURL,
        "chainIdentifier": tangle.chainIdentifier,
      ],
      "tangle \(tangle.nodeURL) graphql \(tangle.graphQLURL) faucet \(tangle.faucetURL) "
        + "network \(tangle.chainIdentifier)")
    await signals.first()
    await tangle.stop()
  }

  private func runStardust() async throws {
    var options = DevStardust.Options()
    options.host = host
    options.port = port ?? 14265
    options.milestoneMs = checkpointMs ?? 1000
    let signals = Signals([SIGINT, SIGTERM])
    let tangle = try await DevStardust.start(options)
    try announce(
      ["node": tangle.nodeURL, "network": options.networkName],
      "tangle \(tangle.nodeURL) network \(options.networkName)")
    await signals.first()
    await tangle.stop()
  }

  private func announce(_ fields: [String: String], _ text: String) throws {
    var line = text
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      line = String(decoding: try encoder.encode(fields), as: UTF8.self)
    }
    // Whoever waits for the line may read it through a pipe.
    try FileHandle.standardOutput.write(contentsOf: Data("\(line)\n".utf8))
  }
}
