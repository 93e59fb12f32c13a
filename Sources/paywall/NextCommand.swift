import HTTP

/// The commands with which a buyer goes on, to be copied into a shell.
struct NextCommand {
  let broker: BrokerOptions
  let account: LoginOptions

  /// `paywall watch` for an offer.
  func watch(_ offer: String, asWallet: Bool = false) -> String {
    line(["watch", "\(broker.url)", offer], asWallet: asWallet)
  }

  /// `paywall account`.
  func account(asWallet: Bool = false) -> String {
    line(["account", "\(broker.url)"], asWallet: asWallet)
  }

  private func line(_ words: [String], asWallet: Bool) -> String {
    (["paywall"] + words + broker.words + account.words(asWallet: asWallet))
      .map { ShellWord.quoted(SafeText.line($0, maximumCount: 300)) }
      .joined(separator: " ")
  }
}
