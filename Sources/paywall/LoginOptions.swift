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

  /// The saved login that is meant; nil where there is none.
  func saved(at broker: BrokerOptions) throws -> LoginFile.Login? {
    try broker.logins.logins().first { username == nil || $0.username == username }
  }

  /// The login to use now.
  func login(at broker: BrokerOptions) throws -> LoginFile.Login {
    if walletLogin { return broker.walletLogin(try key.file.read()) }
    if let username, let passwordFile {
      return .init(username: username, password: try LoginFile.password(inFile: passwordFile))
    }
    guard let login = try saved(at: broker) else {
      throw WalletError(
        .keyFile,
        "No login is saved for \(broker.url.place); buy first, or name one with --username and "
          + "--password-file, or use --wallet-login.")
    }
    return login
  }
}
