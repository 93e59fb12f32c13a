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

  @Flag(help: "The same, with the seller's address as a QR code.")
  var qr = false

  @Flag(help: "With --instructions: do not wait.")
  var noWait = false

  @OptionGroup var account: LoginOptions
  @OptionGroup var node: NodeOptions
  @OptionGroup var stream: StreamOptions

  private var paysElsewhere: Bool { instructions || qr }

  func validate() throws {
    guard (login == nil) == (loginPasswordFile == nil) else {
      throw ValidationError("--login and --login-password-file belong together.")
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
    let client = try Arrival(broker: broker, account: account, purchase: purchase)
      .awaitLogin(after: payment)
    try MessageStream(client: client, offer: purchase.offer, options: stream).run()
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
    if account.walletLogin {
      try broker.requireRealm(offers.realm)
      guard offers.offers.first?.name == terms.name else {
        throw BrokerError(
          "A payment without a memo is for the broker's first offer, and '\(offer)' is another: "
            + "leave out --wallet-login.")
      }
    }
    return try Purchase(
      offers: offers, offer: terms, spanMs: span.milliseconds, seller: seller, login: buyer,
      isSaved: isSaved, memo: memo)
  }

  /// Nil for the wallet's own account.
  private func chosenLogin() throws -> (login: LoginFile.Login?, isSaved: Bool) {
    if account.walletLogin { return (nil, true) }
    let saved = try account.saved(at: broker)
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
        Terminal.note("If it was executed, '\(watchCommand)' goes on from here.")
      }
      throw error
    }
  }

  private var watchCommand: String {
    "paywall watch \(broker.url) \(offer)" + (account.walletLogin ? " --wallet-login" : "")
  }

  private func instruct(_ purchase: Purchase) throws {
    if let login = purchase.login { try broker.logins.save(login) }
    let instructions = PaymentInstructions(purchase.order)
    if noWait && !qr {
      let isForPeople = Terminal.isOutput && !stream.json
      try OutputOptions.write(instructions, isForPeople: isForPeople, lines: instructions.lines)
    } else {
      instructions.lines.forEach(Terminal.note)
    }
    if qr { showCode(purchase) }
    guard !noWait else { return }
    let client = try Arrival(broker: broker, account: account, purchase: purchase)
      .awaitLogin(after: nil)
    try MessageStream(client: client, offer: purchase.offer, options: stream).run()
  }

  private func showCode(_ purchase: Purchase) {
    guard Terminal.canShowPictures else {
      return Terminal.note("This is no terminal that can show a QR code.")
    }
    QRCode.lines("\(purchase.offers.seller)").forEach(Terminal.note)
    Terminal.note(
      "The code is the seller's address. A wallet on a phone attaches no memo: what it pays is for "
        + "the first offer, and for the wallet's own address, which logs in by a signature "
        + "('paywall watch --wallet-login' with its key).")
  }

  private func refuseStardust(_ purchase: Purchase) throws {
    Terminal.note("Pay with a wallet of that network:")
    PaymentInstructions(purchase.order).lines.dropLast(2).forEach(Terminal.note)
    if let login = purchase.login { try broker.logins.save(login) }
    throw WalletError(
      .wrongNetwork,
      "The seller is paid over \(SafeText.line(purchase.offers.protocol, maximumCount: 40)), where "
        + "this wallet cannot pay; once it is paid, '\(watchCommand)' goes on.")
  }
}
