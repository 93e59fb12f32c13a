import Foundation
import IOTACrypto
import MQTTClient
import PaywallCore
import Wallet

/// The login as the account that a payment makes.
struct Arrival {
  let broker: BrokerOptions
  let account: LoginOptions
  let purchase: Purchase

  /// How long a broker may take to count a payment that is in a checkpoint.
  private static let patienceMs = 15_000

  /// Logs in again and again until the account is there.
  ///
  /// - Parameter payment: What we paid; nil: somebody else pays, whenever that is.
  /// - Returns: The connection.
  /// - Throws: ``BrokerError`` where the login stays refused, and the wallet's is no way out.
  func awaitLogin(after payment: ExecutedPayment?) throws -> MQTTClient {
    Interrupt.catchSignals()
    defer { Terminal.progress("") }
    let start = ContinuousClock.now
    var pauseMs = 250
    var refusal: MQTTError?
    while payment == nil || start.duration(to: .now) < .milliseconds(Self.patienceMs) {
      let seconds = start.duration(to: .now).components.seconds
      Terminal.progress("Waiting for the broker to count the payment, \(seconds) s …")
      let login = try purchase.login ?? broker.walletLogin(account.key.file.read())
      do {
        return try broker.connect(
          username: login.username, password: login.password, timeoutMs: 5000)
      } catch let error as MQTTError {
        guard error.kind != .tls, error.kind != .invalid else { throw error }
        refusal = error
      }
      guard !Interrupt.isAsked else { throw interrupted }
      usleep(UInt32(pauseMs) * 1000)
      pauseMs = min(pauseMs * 2, 1000)
    }
    Terminal.progress("")
    guard purchase.login != nil, payment?.checkpoint != nil, refusal?.kind == .refused else {
      let reason = refusal.map { "\($0)" } ?? "There was no time to try."
      throw BrokerError(
        "The payment is made, but its account is not let in yet: \(reason) Nothing is lost: go "
          + "on with '\(watchCommand)'.")
    }
    return try loginAsWallet()
  }

  /// Where the name is somebody else's, or the broker could not open the memo, what was bought is the
  /// wallet's own.
  private func loginAsWallet() throws -> MQTTClient {
    let command = "paywall watch \(broker.url) \(purchase.offer.name) --wallet-login"
    do {
      try broker.requireRealm(purchase.offers.realm)
    } catch {
      throw BrokerError(
        "The login is not accepted: the name may be somebody else's; then what was bought is the "
          + "wallet's own. Nothing is lost: go on with '\(command)', or, if the broker is only slow, "
          + "with '\(watchCommand)'. \(error)")
    }
    let login = broker.walletLogin(try account.key.file.read())
    let client = try broker.connect(username: login.username, password: login.password)
    let report = AccountReport(json: try Storefront(client).message(on: SystemTopic.account))
    guard report?.until(purchase.offer.name) != nil else {
      client.disconnect()
      throw BrokerError(
        "The broker has not counted the payment yet. Nothing is lost: go on with "
          + "'\(watchCommand)'.")
    }
    Terminal.note(
      "The login was not accepted: the name belongs to somebody else, or the broker could not open "
        + "the memo. So what was bought is the wallet's own: '\(command)'.")
    if !purchase.isSaved, let refused = purchase.login { try broker.logins.forget(refused) }
    return client
  }

  private var watchCommand: String {
    "paywall watch \(broker.url) \(purchase.offer.name)"
      + (purchase.login == nil ? " --wallet-login" : "")
  }

  private var interrupted: BrokerError {
    BrokerError("Interrupted while waiting. Nothing is lost: go on with '\(watchCommand)'.")
  }
}
