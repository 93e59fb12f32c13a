import Foundation
import HTTP
import IOTACrypto
import MQTTClient
import PaywallCore
import Wallet

/// The login as the account that a payment makes.
struct Arrival {
  let broker: BrokerOptions
  let account: LoginOptions
  let purchase: Purchase
  /// What we paid; nil: somebody else pays, whenever that is.
  let payment: ExecutedPayment?

  /// How long a broker may take to count a payment that is in a checkpoint.
  private static let patienceMs = 15_000
  /// From when on, and how often, it is looked whether the payment counts for the wallet instead.
  private static let doubtMs = 5_000
  private static let doubtAgainMs = 3_000
  /// When somebody else who pays is told where the time may be.
  private static let hintMs = 15_000

  private var next: NextCommand { NextCommand(broker: broker, account: account) }
  private var watch: String { next.watch(purchase.offer.name.description) }

  /// Logs in again and again until the account is there.
  ///
  /// - Returns: The connection, and as whom.
  /// - Throws: ``BrokerError`` where the login stays refused, and the wallet's is no way out.
  func awaitLogin() throws -> (MQTTClient, Identity) {
    Interrupt.catchSignals()
    defer { Terminal.progress("") }
    let identity =
      try purchase.login.map { Identity.buyer($0) } ?? .wallet(account.key.file.read())
    let start = ContinuousClock.now
    var pauseMs = 250
    var doubtMs = Self.doubtMs
    var isToHint = payment == nil
    while true {
      let seconds = start.duration(to: .now).components.seconds
      Terminal.progress("Waiting for the broker to count the payment, \(seconds) s …")
      let refusal: MQTTError
      do {
        return (try identity.connect(to: broker, timeoutMs: 5000), identity)
      } catch let error as MQTTError {
        guard error.kind != .tls, error.kind != .invalid else { throw error }
        refusal = error
      }
      guard !Interrupt.isAsked else { throw interrupted }
      let waitedMs = Int(start.duration(to: .now) / .milliseconds(1))
      if refusal.kind == .refused, let login = purchase.login {
        if let payment, waitedMs >= doubtMs {
          if let found = try arriveAsWallet(payment.digest, instead: login) { return found }
          doubtMs = waitedMs + Self.doubtAgainMs
        } else if isToHint, waitedMs >= Self.hintMs {
          isToHint = false
          hint(login)
        }
      }
      if payment != nil, waitedMs >= Self.patienceMs { throw notYet(refusal) }
      usleep(UInt32(pauseMs) * 1000)
      pauseMs = min(pauseMs * 2, 1000)
    }
  }

  /// Where the name is somebody else's, or the broker could not open the memo, the payment counts for
  /// the wallet that made it, and perhaps for another offer.
  ///
  /// - Returns: Nil where the broker does not say so.
  /// - Throws: ``BrokerError`` where it counts for another offer.
  private func arriveAsWallet(
    _ digest: Digest, instead login: LoginFile.Login
  ) throws -> (MQTTClient, Identity)? {
    guard broker.isSignedFor(purchase.offers.realm) else { return nil }
    let identity = Identity.wallet(try account.key.file.read())
    guard let client = try? identity.connect(to: broker, timeoutMs: 5000) else { return nil }
    let json = try? Storefront(client).message(on: SystemTopic.account, timeoutMs: 3000)
    guard let report = json.flatMap({ AccountReport(json: $0) }),
      let (offer, holding) = report.holding(paidBy: digest)
    else {
      client.disconnect()
      return nil
    }
    // Only now is it known that this payment makes no account of the login.
    Terminal.progress("")
    setAside(login)
    let what =
      "The login as \(login.username) was not accepted: the name belongs to somebody else, or the "
      + "broker could not open the memo. So payment \(digest) is the wallet's own"
    let command = next.watch(offer, .wallet())
    guard offer == purchase.offer.name.description else {
      client.disconnect()
      throw BrokerError(
        "\(what), and bought '\(SafeText.line(offer, maximumCount: 64))' instead: "
          + "\(holding.until.map { "until " + SafeText.line($0, maximumCount: 40) } ?? "over by now"). "
          + "Use it with '\(command)'.")
    }
    Terminal.note("\(what): '\(command)' goes on later.")
    return (client, identity)
  }

  /// Tells somebody who pays with another wallet, once, where the time may be.
  private func hint(_ login: LoginFile.Login) {
    Terminal.progress("")
    Terminal.note(
      "Still waiting. If it is paid, and the login as \(login.username) stays refused, the name is "
        + "somebody else's or the broker could not open the memo; then the time is the paying "
        + "wallet's own. With that wallet's key in a file, \(walletWay("FILE")).")
    doubt(login)
  }

  /// A name that was chosen may be somebody else's for ever: no later purchase is to rely on it before
  /// the broker has accepted it.
  private func doubt(_ login: LoginFile.Login) {
    if !purchase.isSaved, account.username != nil { setAside(login) }
  }

  private func setAside(_ login: LoginFile.Login) {
    do {
      try broker.logins.setAside(login)
    } catch {
      // It is saved all the same, and what was paid comes first.
      Terminal.note("\(error)")
    }
  }

  /// How what the wallet holds is seen and received.
  private func walletWay(_ file: String?) -> String {
    let commands =
      "'\(next.account(.wallet(file: file)))' tells what it has, and "
      + "'\(next.watch(purchase.offer.name.description, .wallet(file: file)))' receives it"
    guard !broker.isSignedFor(purchase.offers.realm) else { return commands }
    return commands
      + "; the broker calls itself '\(purchase.offers.realm)': if you know it by that name, say so "
      + "with --realm"
  }

  private func notYet(_ refusal: MQTTError) -> BrokerError {
    let start =
      "Payment \(payment.map { "\($0.digest)" } ?? "") is made, but the broker has not counted it, or "
      + "does not let its account in: \(refusal) Nothing is lost: '\(watch)' goes on once it has."
    guard refusal.kind == .refused, let login = purchase.login else { return BrokerError(start) }
    doubt(login)
    return BrokerError(
      "\(start) If it stays refused, the name is somebody else's or the broker could not open the "
        + "memo; then what was bought is the wallet's own: \(walletWay(nil)).")
  }

  private var interrupted: BrokerError {
    BrokerError("Interrupted while waiting. Nothing is lost: go on with '\(watch)'.")
  }
}
