import ArgumentParser
import Foundation
import MQTTClient
import PaywallCore
import Wallet

/// `paywall account`: what is left of what was bought.
struct AccountCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "account", abstract: "Show what is left of what was bought.")

  @OptionGroup var broker: BrokerOptions
  @OptionGroup var login: LoginOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let client = try login.identity(at: broker).connect(to: broker)
    defer { client.disconnect() }
    let json = try Storefront(client).message(on: SystemTopic.account)
    guard let report = AccountReport(json: json) else {
      throw BrokerError("What the broker says of the account cannot be read.")
    }
    try output.write(report, lines: report.lines)
  }
}
