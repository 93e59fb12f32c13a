import ArgumentParser
import HTTP
import IOTACrypto
import MQTTClient
import PaywallCore
import Wallet

/// `paywall buy`: from nothing to live data.
struct BuyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "buy",
    abstract: "Buy what a broker offers, and receive it.",
    discussion: """
      Reads the broker's offers, shows what it is about to pay, asks, pays, logs in and writes the \
      messages to the standard output until the bought time ends. The login is made up and saved, \
      so buying again extends; paywall watch goes on later.

      Without TLS anybody on the way could swap the seller's address, so then (loopback excepted) \
      it wants --seller. Exit codes: see paywall --help.
      """)

  @OptionGroup var broker: BrokerOptions

  @Argument(help: "The name of the offer.")
  var offer: Name

  @Option(name: .customLong("for"), help: "For how long: 90s, 30m, 2h, 7d, 4w.")
  var span: PeriodArgument

  @Option(help: ArgumentHelp("The address that must be the seller's.", valueName: "0x…"))
  var seller: Address?

  @Option(
    help: ArgumentHelp(
      "For a broker that lets nobody in anonymously: as whom to ask for its offers.",
      valueName: "user"))
  var login: String?

  @Option(
    help: ArgumentHelp(
      "A file that you alone can read, the password of --login in its first line.",
      valueName: "file"))
  var loginPasswordFile: String?

  @Flag(name: .shortAndLong, help: "Pay without asking.")
  var yes = false

  @Flag(help: "Pay nothing; say how to pay with another wallet, and wait for that payment.")
  var instructions = false

  @Flag(
    help: """
      Pay nothing; show the seller's address as a QR code, for a phone's wallet, which buys the first \
      offer for itself. With --wallet-login, if its key is in --wallet, wait for that payment.
      """)
  var qr = false

  @Flag(help: "With --instructions or --qr: do not wait.")
  var noWait = false

  @OptionGroup var account: LoginOptions
  @OptionGroup var node: NodeOptions
  @OptionGroup var stream: StreamOptions

  private var paysElsewhere: Bool { instructions || qr }
  /// Whether the payment names no account, and so is for the wallet that makes it.
  private var isForWallet: Bool { account.walletLogin || qr }
  var next: NextCommand { NextCommand(broker: broker, account: account) }

  func validate() throws {
    guard (login == nil) == (loginPasswordFile == nil) else {
      throw ValidationError("--login and --login-password-file belong together.")
    }
    guard !(instructions && qr) else {
      throw ValidationError(
        "--instructions are for a wallet that attaches a memo, --qr is for one that does not.")
    }
    guard !qr || (account.username == nil && account.passwordFile == nil) else {
      throw ValidationError("--qr pays without a memo, so no name can be chosen.")
    }
    guard !noWait || paysElsewhere else {
      throw ValidationError("--no-wait is for --instructions and --qr.")
    }
    if let username = account.username { try Self.checkName(username) }
  }

  private static func checkName(_ username: String) throws {
    guard Name(username) != nil else {
      throw ValidationError(
        "'\(username)' is no username: 1 to 64 bytes without / + # $ % : and control characters.")
    }
  }

  func run() throws {
    guard yes || paysElsewhere || Terminal.canAsk else {
      Terminal.note("Error: nobody can be asked, so nothing was paid: agree with --yes.")
      throw exitNotAgreed
    }
    try Purchase.requireSafeSeller(seller, at: broker.url)
    let purchase = try readOffers()
    guard purchase.offers.protocol.hasPrefix("rebased-") else {
      return try refuseStardust(purchase)
    }
    if paysElsewhere { return try instruct(purchase) }
    let payment = try pay(purchase)
    do {
      try receive(purchase, after: payment)
    } catch let error as MQTTError {
      throw BrokerError(
        "\(error) Payment \(payment.digest) is made, and nothing is lost: go on with "
          + "'\(next.watch(offer.description))'.")
    }
  }

  func receive(_ purchase: Purchase, after payment: ExecutedPayment?) throws {
    let (client, identity) = try Arrival(
      broker: broker, account: account, purchase: purchase, payment: payment
    ).awaitLogin()
    var messages = MessageStream(
      client, as: identity, at: broker, offer: purchase.offer, options: stream,
      after: payment?.digest)
    try messages.run()
  }

  private func readOffers() throws -> Purchase {
    let password = try loginPasswordFile.map { try LoginFile.password(inFile: $0) }
    let client: MQTTClient
    do {
      client = try broker.connect(username: login, password: password)
    } catch let error as MQTTError where error.kind == .refused && login == nil {
      throw BrokerError(
        "\(error) Perhaps it lets nobody in anonymously: then name a user with --login.")
    }
    defer { client.disconnect() }
    let store = Storefront(client)
    let offers = try store.offers()
    let (buyer, isSaved) = try chosenLogin()
    let terms = try offers.offer(named: offer)
    let memo = try buyer.map { buyer in
      try AdvertisedKey.memo(json: store.key(), login: buyer, offer: terms.name)
    }
    if account.walletLogin { try broker.requireRealm(offers.realm) }
    guard !isForWallet || offers.offers.first?.name == terms.name else {
      throw BrokerError(
        "A payment without a memo is for the broker's first offer, and '\(offer)' is another: "
          + "leave out \(qr ? "--qr" : "--wallet-login").")
    }
    return try Purchase(
      offers: offers, offer: terms, spanMs: span.milliseconds, seller: seller, login: buyer,
      isSaved: isSaved, memo: memo)
  }

  /// Nil for the wallet's own account.
  private func chosenLogin() throws -> (login: LoginFile.Login?, isSaved: Bool) {
    if isForWallet { return (nil, true) }
    let saved = try account.saved(at: broker) ?? acceptedMeanwhile()
    if let file = account.passwordFile, let username = account.username {
      let login = LoginFile.Login(
        username: username, password: try LoginFile.password(inFile: file))
      guard saved == nil || saved == login else {
        throw WalletError(
          .invalidInput,
          "A login as \(username) with another password is saved in \(broker.logins.path): leave "
            + "out --password-file.")
      }
      return (login, saved != nil)
    }
    return (saved ?? .random(username: account.username), saved != nil)
  }

  /// The login of a chosen name that was set aside, where the broker accepts it by now.
  ///
  /// - Throws: ``BrokerError`` where it does not: what is paid for it would be the wallet's own.
  private func acceptedMeanwhile() throws -> LoginFile.Login? {
    guard account.username != nil, account.passwordFile == nil,
      let login = try account.refused(at: broker)
    else { return nil }
    do {
      try Identity.buyer(login).connect(to: broker).disconnect()
      return login
    } catch let error as MQTTError where error.kind == .refused {
      throw BrokerError(
        "The login as \(login.username) that is saved in \(broker.logins.path) is refused, so the name "
          + "is somebody else's, and nothing was paid: choose another.")
    }
  }

  private func pay(_ purchase: Purchase) throws -> ExecutedPayment {
    let privateKey = try account.key.file.read()
    let node = try node.connect()
    try node.requireNetwork(purchase.offers.network)
    let payer = Payer(node: node, key: privateKey)
    let payment = try payer.prepare(purchase.order)
    purchase.lines(at: broker, payment: payment).forEach(Terminal.note)
    guard yes || Terminal.agrees(to: "Pay?") else {
      Terminal.note("Nothing was paid.")
      throw exitNotAgreed
    }
    if let login = purchase.login { try broker.logins.save(login) }
    do {
      let executed = try payer.execute(payment)
      Terminal.note("Paid: \(executed.digest).")
      Terminal.progress("Waiting for the payment to be in a checkpoint …")
      defer { Terminal.progress("") }
      return payer.confirm(executed)
    } catch {
      if case .outcomeUnknown = error.code {
        Terminal.note("If it was executed, '\(next.watch(offer.description))' goes on from here.")
      }
      throw error
    }
  }
}
