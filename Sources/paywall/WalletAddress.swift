import ArgumentParser
import IOTACrypto
import PaywallCore
import Wallet

/// `paywall wallet address`: where the wallet is paid, and who it pays as.
struct WalletAddress: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "address", abstract: "Show the wallet's address.")

  @OptionGroup var key: KeyOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let address = "\(try key.file.read().address)"
    try output.write(["address": address], lines: [address])
  }
}
