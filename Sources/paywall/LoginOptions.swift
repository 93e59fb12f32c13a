import ArgumentParser
import IOTACrypto
import Wallet

/// As whom to log in for what was bought.
struct LoginOptions: ParsableArguments {
  @Option(help: "The buyer's name; default: the one used last at this broker.")
  var username: String?

  @Option(
    help: ArgumentHelp(
      "A file that you alone can read, the password in its first line.", valueName: "file"))
  var passwordFile: String?

  @Flag(help: "Log in as the wallet, by its signature.")
  var walletLogin = false

  @OptionGroup var key: KeyOptions

  func validate() throws {
    guard !walletLogin || (username == nil && passwordFile == nil) else {
      throw ValidationError("--wallet-login takes neither --username nor --password-file.")
    }
    guard passwordFile == nil || username != nil else {
      throw ValidationError("--password-file needs --username.")
    }
  }

  /// The saved login that is meant, and was not set aside; nil where there is none.
  func saved(at broker: BrokerOptions) throws -> LoginFile.Login? {
    try broker.logins.logins().first(where: isMeant)
  }

  /// The login that is meant, and was set aside; nil where there is none.
  func refused(at broker: BrokerOptions) throws -> LoginFile.Login? {
    try broker.logins.refusedLogins().first(where: isMeant)
  }

  private func isMeant(_ login: LoginFile.Login) -> Bool {
    username == nil || login.username == username
  }

  /// As whom to log in now.
  func identity(at broker: BrokerOptions) throws -> Identity {
    if walletLogin { return .wallet(try key.file.read()) }
    if let username, let passwordFile {
      return .buyer(
        .init(username: username, password: try LoginFile.password(inFile: passwordFile)))
    }
    guard let login = try saved(at: broker) ?? refused(at: broker) else {
      throw WalletError(
        .keyFile,
        "No login is saved for \(broker.url.place); buy first, or name one with --username and "
          + "--password-file, or use --wallet-login.")
    }
    return .buyer(login)
  }

  /// The options that lead another command of `paywall` to the same account.
  var words: [String] {
    walletLogin ? walletWords(file: nil) : username.map { ["--username", $0] } ?? []
  }

  /// The options that lead another command of `paywall` to a wallet's account; nil: this one's.
  func walletWords(file: String?) -> [String] {
    ["--wallet-login"] + ((file ?? key.wallet).map { ["--wallet", $0] } ?? [])
  }
}
