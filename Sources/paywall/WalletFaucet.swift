import ArgumentParser
import IOTACrypto
import PaywallCore
import Wallet

/// `paywall wallet faucet`: money of a test network.
struct WalletFaucet: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "faucet",
    abstract: "Ask a faucet for money of a test network.",
    discussion: """
      Faucets of local networks answer; the public ones of testnet and devnet may ask for a browser.
      """)

  @Argument(help: "Another address; without it, the wallet's.")
  var address: Address?

  @Option(help: ArgumentHelp("The faucet's URL.", valueName: "url"))
  var faucet = "http://127.0.0.1:9123"

  @OptionGroup var key: KeyOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let address = try address ?? key.file.read().address
    let nanos = try Faucet(url: faucet).request(for: address)
    try output.write(
      Answer(address: "\(address)", receivedNanos: nanos),
      lines: ["\(address) received \(Amount.describe(nanos))"])
  }

  private struct Answer: Encodable {
    let address: String
    let receivedNanos: Nanos
  }
}
