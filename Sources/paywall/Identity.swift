import IOTACrypto
import MQTTClient
import Wallet

/// As whom a broker is entered: with a buyer's login, or as the wallet, which signs anew each time,
/// for its passwords expire.
enum Identity {
  case buyer(LoginFile.Login)
  case wallet(PrivateKey)

  /// Connects; a login that was set aside is as good as any once it is accepted.
  ///
  /// - Throws: `MQTTError`.
  func connect(to broker: BrokerOptions, timeoutMs: Int = 10_000) throws -> MQTTClient {
    let login =
      switch self {
      case .buyer(let login): login
      case .wallet(let key): broker.walletLogin(key)
      }
    let client = try broker.connect(
      username: login.username, password: login.password, timeoutMs: timeoutMs)
    // A file that cannot be used now is no reason to receive nothing.
    if case .buyer(let login) = self,
      (try? broker.logins.refusedLogins().contains(login)) == true
    {
      try? broker.logins.save(login)
    }
    return client
  }
}
