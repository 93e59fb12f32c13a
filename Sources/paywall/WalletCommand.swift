import ArgumentParser

/// `paywall wallet`: the key and what it holds.
struct WalletCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wallet",
    abstract: "Make and use a wallet: one Ed25519 key in a file.",
    subcommands: [
      WalletNew.self, WalletAddress.self, WalletBalance.self, WalletFaucet.self,
      WalletSignLogin.self,
    ])
}
