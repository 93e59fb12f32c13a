import Access
import CMosquittoPlugin
import Glibc
import IOTACrypto
import PaywallCore

/// Who the broker's clients are.
extension Plugin {
  /// Authenticates buyers and wallets, keeps everybody else away from the names that only we vouch
  /// for, and nobody may take a client id that is connected under somebody's account.
  func authenticate(_ event: mosquitto_evt_basic_auth) -> CInt {
    guard let client = event.client else { return MOSQ_ERR_PLUGIN_DEFER.rawValue }
    let username = Self.bytes(event.username).map { Username($0) }
    var account = username
    var code = MOSQ_ERR_PLUGIN_DEFER.rawValue
    if let username, Account.isReserved(username: username) {
      guard let name = vouch(for: username, client, password: event.password) else {
        return MOSQ_ERR_AUTH.rawValue
      }
      account = name
      code = MOSQ_ERR_SUCCESS.rawValue
    } else if let username, let name = BuyerLogin.name(username),
      let buyer = vouch(forBuyer: name, client, username, password: event.password)
    {
      // A wrong password is left to the others: an account of the same name may be theirs.
      account = buyer
      code = MOSQ_ERR_SUCCESS.rawValue
    }
    guard isOnMainThread, !isAskedAgain(client),
      let clientID = Self.bytes(mosquitto_client_id(client)).map({ Array($0) })
    else { return code }
    guard !connections.isTaken(clientID, byOtherThan: account) else {
      return MOSQ_ERR_AUTH.rawValue
    }
    connections.insert(
      Self.record(of: client), clientID: clientID, username: account,
      isClean: mosquitto_client_clean_session(client))
    demandPayments(for: account)
    return code
  }

  /// Notes a connection that no authentication was asked for, as with TLS identities; called by the
  /// broker from 2.1 on.
  func connected(_ client: OpaquePointer) {
    guard isOnMainThread, !connections.contains(Self.record(of: client)),
      let clientID = Self.bytes(mosquitto_client_id(client))
    else { return }
    let username = Self.bytes(mosquitto_client_username(client)).map { Username($0) }
    connections.insert(
      Self.record(of: client), clientID: Array(clientID), username: username,
      isClean: mosquitto_client_clean_session(client))
  }

  /// Notes the end of a connection: Mosquitto 2.1 tells in two ways, whether the session ends too or
  /// goes on, 2.0 in one.
  func disconnected(_ client: OpaquePointer) {
    guard isOnMainThread else { return }
    let record = Self.record(of: client)
    let isKnown = connections.contains(record)
    connections.remove(record)
    endedRecord = record
    forgetRecipient(client)
    endShare(client, isKnown: isKnown)
  }

  /// Judges a name that only we vouch for.
  ///
  /// - Returns: The account's name, which the client then has; nil where there is no proof.
  private func vouch(
    for username: Username, _ client: OpaquePointer, password: UnsafePointer<CChar>?
  ) -> Username? {
    guard isOnMainThread, let account = Account(username: username) else { return nil }
    // A session that was restored from disk is asked about without password, address and protocol;
    // it was let in before.
    let isRestored =
      password == nil && mosquitto_client_address(client) == nil
      && mosquitto_client_protocol_version(client) == 0
    switch account {
    case .wallet(let address):
      guard isRestored || isLogin(client, of: address, password: password) else { return nil }
      return rename(client, username, to: account)
    case .buyer(let name):
      guard !isRestored else { return username }
      return vouch(forBuyer: name, client, username, password: password)
    case .broker: return nil
    }
  }

  /// The name that a buyer has inside the broker; nil where the login is wrong.
  private func vouch(
    forBuyer name: Name, _ client: OpaquePointer, _ username: Username,
    password: UnsafePointer<CChar>?
  ) -> Username? {
    guard isOnMainThread, let password = Self.bytes(password) else { return nil }
    table.applyChanges()
    let hash = masterKey.passwordHash(name: name, password: password)
    return table.isLogin(hash) ? rename(client, username, to: .buyer(name)) : nil
  }

  /// Gives a client the name that its account has inside the broker.
  private func rename(
    _ client: OpaquePointer, _ username: Username, to account: Account
  ) -> Username? {
    let name = account.description
    guard username.elementsEqual(name.utf8) || mosquitto_set_username(client, name) == 0 else {
      return nil
    }
    return account.username
  }

  private func isLogin(
    _ client: OpaquePointer, of address: Address, password: UnsafePointer<CChar>?
  ) -> Bool {
    guard let password else { return false }
    let verdict = WalletLogin.verify(
      username: address.description, password: String(cString: password), realm: realm)
    if case .unsupported(let scheme) = verdict {
      BrokerLog.write(
        .notice, "\(address) cannot log in: signatures of \(scheme) are not verified here")
    }
    guard case .valid(_, let expiryS) = verdict else { return false }
    // A login is judged when it connects, not each time the configuration is read again.
    if isAskedAgain(client) { return true }
    let nowS = shared.clock.nowMs / 1000
    return nowS < expiryS && expiryS <= nowS &+ WalletLogin.maximumLifetimeS
  }

  /// Whether the broker asks about a client that it has let in before, as it does after a SIGHUP.
  private func isAskedAgain(_ client: OpaquePointer) -> Bool {
    if connections.contains(Self.record(of: client)) { return true }
    // A CONNECT that is being judged has no session yet.
    guard let findSession = Self.findSession else { return isReauthenticating }
    return mosquitto_client_id(client).map { findSession($0) == client } ?? false
  }

  /// `mosquitto_client`, which finds the session of a client id; nil before Mosquitto 2.1.
  private static let findSession =
    dlsym(nil, "mosquitto_client").map { unsafeBitCast($0, to: FindSession.self) }

  private typealias FindSession =
    @Sendable @convention(c) (UnsafePointer<CChar>) -> OpaquePointer?

  /// What tells connections apart: where the broker keeps its record, which is never followed.
  static func record(of client: OpaquePointer) -> UnsafeRawPointer {
    UnsafeRawPointer(client)
  }
}
