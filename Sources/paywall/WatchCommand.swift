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
    let login = try login.login(at: broker)
    let client = try broker.connect(username: login.username, password: login.password)
    let offers = try Storefront(client).offers()
    try MessageStream(
      client: client, offer: try offers.offer(named: offer), options: stream
    ).run()
  }
}
