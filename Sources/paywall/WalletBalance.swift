import ArgumentParser
import IOTACrypto
import PaywallCore
import Wallet

/// `paywall wallet balance`: what an address holds.
struct WalletBalance: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "balance", abstract: "Show what the wallet, or another address, holds.")

  @Argument(help: "Another address; without it, the wallet's.")
  var address: Address?

  @OptionGroup var key: KeyOptions
  @OptionGroup var node: NodeOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let address = try address ?? key.file.read().address
    let nanos = try node.connect().balanceNanos(of: address)
    try output.write(
      Answer(address: "\(address)", balanceNanos: nanos), lines: [Amount.describe(nanos)])
  }

  private struct Answer: Encodable {
    let address: String
    let balanceNanos: Nanos
  }
}
