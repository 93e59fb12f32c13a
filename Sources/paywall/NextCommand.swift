import HTTP

/// The commands with which a buyer goes on, to be copied into a shell.
struct NextCommand {
  /// Whose account is meant.
  enum Whose {
    /// That of the options given.
    case given
    /// The wallet's, its key in the given file or else where it is now.
    case wallet(file: String? = nil)
  }

  let broker: BrokerOptions
  let account: LoginOptions

  /// `paywall watch` for an offer.
  func watch(_ offer: String, _ whose: Whose = .given) -> String {
    line(["watch", "\(broker.url)", offer], whose)
  }

  /// `paywall account`.
  func account(_ whose: Whose = .given) -> String {
    line(["account", "\(broker.url)"], whose)
  }

  private func line(_ words: [String], _ whose: Whose) -> String {
    let login =
      switch whose {
      case .given: account.words
      case .wallet(let file): account.walletWords(file: file)
      }
    return (["paywall"] + words + broker.words + login)
      .map { ShellWord.quoted(SafeText.line($0, maximumCount: 300)) }
      .joined(separator: " ")
  }
}
