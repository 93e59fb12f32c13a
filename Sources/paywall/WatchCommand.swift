import ArgumentParser
import MQTTClient
import PaywallCore
import Wallet

/// `paywall watch`: goes on with what was bought.
struct WatchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch",
    abstract: "Go on receiving what was bought.",
    discussion: """
      Logs in as paywall buy did and writes the messages to the standard output, until the bought \
      time ends. Exit codes: see paywall --help.
      """)

  @OptionGroup var broker: BrokerOptions

  @Argument(help: "The name of the offer.")
  var offer: Name

  @OptionGroup var login: LoginOptions
  @OptionGroup var stream: StreamOptions

  func run() throws {
    let identity = try login.identity(at: broker)
    let client = try identity.connect(to: broker)
    let offers = try Storefront(client).offers()
    var messages = MessageStream(
      client, as: identity, at: broker, offer: try offers.offer(named: offer), options: stream)
    try messages.run()
  }
}
