import ArgumentParser
import Foundation
import IOTACrypto
import PaywallCore
import Wallet

/// `paywall wallet sign-login`: a password for a broker.
struct WalletSignLogin: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sign-login",
    abstract: "Make a password with which the wallet logs in to a broker.",
    discussion: """
      Username and password for MQTT, from the broker's realm and a time until which they hold. \
      Whoever has them can log in as the wallet there: use TLS, and sign only for the realm of a \
      broker that you trust.
      """)

  @Argument(help: "The broker's realm, as its offers name it.")
  var realm: String

  @Option(
    name: .customLong("for"),
    help: ArgumentHelp("How long the password holds, as 1h or 7d; at most 30d.", valueName: "time"))
  var period = "1d"

  @OptionGroup var key: KeyOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard let periodS, (1...WalletLogin.maximumLifetimeS).contains(periodS) else {
      throw ValidationError("'\(period)' is no time between 1s and 30d.")
    }
    guard !realm.isEmpty else { throw ValidationError("The realm must not be empty.") }
  }

  private var periodS: Int64? { Period.parseMs(period).map { $0 / 1000 } }

  func run() throws {
    let privateKey = try key.file.read()
    let expiryS = Int64(Date().timeIntervalSince1970) + (periodS ?? 0)
    let answer = Answer(
      username: "\(privateKey.address)",
      password: WalletLogin.password(key: privateKey, realm: realm, expiryS: expiryS),
      expires: Date(timeIntervalSince1970: Double(expiryS)))
    try output.write(
      answer,
      lines: [
        "Username: \(answer.username)", "Password: \(answer.password)",
        "Expires:  \(answer.expires.ISO8601Format())",
      ])
  }

  private struct Answer: Encodable {
    let username: String
    let password: String
    let expires: Date
  }
}
