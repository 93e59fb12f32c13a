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
    var login: Bytes32?
    var code = MOSQ_ERR_PLUGIN_DEFER.rawValue
    if let username, Account.isReserved(username: username) {
      guard let proven = vouch(for: username, client, password: event.password) else {
        return MOSQ_ERR_AUTH.rawValue
      }
      (account, login) = proven
      code = MOSQ_ERR_SUCCESS.rawValue
    } else if let username, let name = BuyerLogin.name(username),
      !wasLetInElsewhere(client, username),
      let proven = vouch(forBuyer: name, client, username, password: event.password)
    {
      // A wrong password is left to the others: an account of the same name may be theirs.
      (account, login) = proven
      code = MOSQ_ERR_SUCCESS.rawValue
    }
    guard isOnMainThread, !isAskedAgain(client),
      let clientID = Self.bytes(mosquitto_client_id(client)).map({ Array($0) })
    else { return code }
    guard !connections.isTaken(clientID, byOtherThan: account),
      !isAddressed(clientID, butNot: account)
    else { return MOSQ_ERR_AUTH.rawValue }
    connections.insert(
      Self.record(of: client), clientID: clientID, username: account,
      isClean: mosquitto_client_clean_session(client), login: login)
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
    let wasClean = connections.isClean(record)
    connections.remove(record)
    endedRecord = record
    forgetRecipient(client)
    endShare(client, wasClean: wasClean)
  }

  /// An account's name, which a client then has, and by which login, if it is a buyer's.
  private typealias Proven = (username: Username, login: Bytes32?)

  /// Judges a name that only we vouch for.
  ///
  /// - Returns: Who it is; nil where there is no proof.
  private func vouch(
    for username: Username, _ client: OpaquePointer, password: UnsafePointer<CChar>?
  ) -> Proven? {
    guard isOnMainThread, let account = Account(username: username) else { return nil }
    // A session that was restored from disk is asked about without password, address and protocol;
    // it was let in before.
    let isRestored =
      password == nil && mosquitto_client_address(client) == nil
      && mosquitto_client_protocol_version(client) == 0
    switch account {
    case .wallet(let address):
      guard isRestored || isLogin(client, of: address, username, password: password) else {
        return nil
      }
      return rename(client, username, to: account).map { ($0, nil) }
    case .buyer(let name):
      guard !isRestored else { return (username, nil) }
      return vouch(forBuyer: name, client, username, password: password)
    case .broker: return nil
    }
  }

  /// Judges a buyer's login.
  private func vouch(
    forBuyer name: Name, _ client: OpaquePointer, _ username: Username,
    password: UnsafePointer<CChar>?
  ) -> Proven? {
    guard isOnMainThread, let password = Self.bytes(password) else { return nil }
    table.applyChanges()
    let hash = masterKey.passwordHash(name: name, password: password)
    guard table.isLogin(hash) else { return nil }
    return rename(client, username, to: .buyer(name)).map { ($0, hash) }
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
    _ client: OpaquePointer, of address: Address, _ username: Username,
    password: UnsafePointer<CChar>?
  ) -> Bool {
    guard let password else { return false }
    // A login is judged when it connects, not each time the configuration is read again.
    let isAgain = isAskedAgain(client)
    if isAgain, isLetIn(client, username) { return true }
    let isHolder = address.description.utf8CString.withUnsafeBytes { name in
      table.isHolder(UnsafeRawBufferPointer(rebasing: name.dropLast()))
    }
    let verdict = walletLogins.judge(address, String(cString: password), isHolder: isHolder) {
      shared.clock.monotonicUs
    }
    switch verdict {
    case .invalid: return false
    case .unsupported(let scheme):
      BrokerLog.write(
        .notice, "\(address) cannot log in: signatures of \(scheme) are not verified here")
      return false
    case .tooMany:
      BrokerLog.write(
        .debug, "\(address) cannot log in just now: too many wallets do, it may try again")
      return false
    case .valid(let expiryS):
      let nowS = shared.clock.nowMs / 1000
      return isAgain || nowS < expiryS && expiryS <= nowS &+ WalletLogin.maximumLifetimeS
    }
  }

  /// Whether the broker asks about a connection that was let in under the very name.
  ///
  /// A record alone is no proof: it is where the broker keeps a connection, and what ends it may not
  /// have been told.
  private func isLetIn(_ client: OpaquePointer, _ username: Username) -> Bool {
    guard connections.belongs(Self.record(of: client), to: username) else { return false }
    guard let findSession else { return isReauthenticating }
    return mosquitto_client_id(client).map { findSession($0) == client } ?? false
  }

  /// Whether the broker asks again about a client that others have let in.
  ///
  /// It stays who it is, though a buyer of the same name may have its password by now.
  private func wasLetInElsewhere(_ client: OpaquePointer, _ username: Username) -> Bool {
    guard isOnMainThread else { return false }
    guard findSession == nil else { return isAskedAgain(client) }
    guard isReauthenticating else { return false }
    // Offline sessions have no connection here; whoever comes in the same turn of the loop, as by
    // websockets, mostly begins a new one.
    return connections.belongs(Self.record(of: client), to: username)
      || hasTicked && !mosquitto_client_clean_session(client)
  }

  // MARK: - In the turns of the broker's loop

  /// How many buyers' connections are looked at in one turn.
  private static let loginLimit = 1000

  /// Ends the connections of buyers whose login was withdrawn, or whose name is another's now.
  func lookAfterLogins() {
    if loginsVersion != table.withdrawnLoginsVersion {
      loginsVersion = table.withdrawnLoginsVersion
      connections.lookAtLogins()
    }
    let withdrawn = connections.takeWithdrawn(atMost: Self.loginLimit) { table.isLogin($0) }
    for clientID in withdrawn { endConnection(clientID) }
  }

  /// Whether the broker asks about a client that it has let in before, as it does after a SIGHUP.
  private func isAskedAgain(_ client: OpaquePointer) -> Bool {
    if connections.contains(Self.record(of: client)) { return true }
    // A CONNECT that is being judged has no session yet.
    guard let findSession else { return isReauthenticating }
    return mosquitto_client_id(client).map { findSession($0) == client } ?? false
  }

  /// `mosquitto_client`, which finds the session of a client id; nil before Mosquitto 2.1.
  static let brokersFindSession =
    dlsym(nil, "mosquitto_client").map { unsafeBitCast($0, to: FindSession.self) }

  typealias FindSession =
    @Sendable @convention(c) (UnsafePointer<CChar>) -> OpaquePointer?

  /// What tells connections apart: where the broker keeps its record, which is never followed.
  static func record(of client: OpaquePointer) -> UnsafeRawPointer {
    UnsafeRawPointer(client)
  }
}
