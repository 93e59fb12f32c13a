import CMosquittoPlugin
import IOTACrypto
import PaywallCore

/// Who the broker's clients are.
extension Plugin {
  /// Authenticates wallets, keeps everybody else away from the names that only we vouch for, and
  /// nobody may take a client id that is connected under somebody's account.
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
    }
    guard isOnMainThread, !isReauthenticating, !connections.contains(Self.record(of: client)) else {
      return code
    }
    guard let clientID = Self.bytes(mosquitto_client_id(client)).map({ Array($0) }) else {
      return code
    }
    guard !connections.isTaken(clientID, byOtherThan: account) else {
      return MOSQ_ERR_AUTH.rawValue
    }
    connections.insert(Self.record(of: client), clientID: clientID, username: account)
    return code
  }

  /// Notes a connection that no authentication was asked for, as with TLS identities (2.1 only).
  func connected(_ client: OpaquePointer) {
    guard isOnMainThread, !connections.contains(Self.record(of: client)),
      let clientID = Self.bytes(mosquitto_client_id(client))
    else { return }
    let username = Self.bytes(mosquitto_client_username(client)).map { Username($0) }
    connections.insert(Self.record(of: client), clientID: Array(clientID), username: username)
  }

  /// Notes the end of a connection; on Mosquitto 2.1, of the session too.
  func disconnected(_ client: OpaquePointer) {
    guard isOnMainThread else { return }
    connections.remove(Self.record(of: client))
    // A session that goes on keeps its subscriptions; with MQTT 5 only its expiry tells.
    let isSessionOver =
      mosquitto_client_clean_session(client) && mosquitto_client_protocol_version(client) < 5
    guard isSessionOver, !sharedMembers.isEmpty,
      let clientID = Self.bytes(mosquitto_client_id(client)).map({ Array($0) }),
      // The end of a refused CONNECT, or of a connection that was taken over, is not the session's.
      !connections.isConnected(clientID)
    else { return }
    sharedMembers.removeAll(of: clientID)
  }

  /// Notes the end of a connection whose session goes on (2.1 only).
  func wentOffline(_ client: OpaquePointer) {
    guard isOnMainThread else { return }
    connections.remove(Self.record(of: client))
  }

  /// Judges a name that only we vouch for.
  ///
  /// - Returns: The account's name, which the client then has; nil where there is no proof.
  private func vouch(
    for username: Username, _ client: OpaquePointer, password: UnsafePointer<CChar>?
  ) -> Username? {
    guard isOnMainThread, case .wallet(let address)? = Account(username: username) else {
      return nil
    }
    // A session that was restored from disk is asked about without password, address and protocol;
    // it was let in before.
    let isRestored =
      password == nil && mosquitto_client_address(client) == nil
      && mosquitto_client_protocol_version(client) == 0
    guard isRestored || isLogin(of: address, password: password) else { return nil }
    let name = address.description
    guard username.elementsEqual(name.utf8) || mosquitto_set_username(client, name) == 0 else {
      return nil
    }
    return Username(name.utf8)
  }

  private func isLogin(of address: Address, password: UnsafePointer<CChar>?) -> Bool {
    guard let password else { return false }
    let verdict = WalletLogin.verify(
      username: address.description, password: String(cString: password), realm: realm)
    guard case .valid(_, let expiryS) = verdict else { return false }
    // A login is judged when it connects, not each time the configuration is read again.
    if isReauthenticating { return true }
    let nowS = shared.clock.nowMs / 1000
    return nowS < expiryS && expiryS <= nowS &+ WalletLogin.maximumLifetimeS
  }

  /// What tells connections apart: where the broker keeps its record, which is never followed.
  static func record(of client: OpaquePointer) -> UnsafeRawPointer {
    UnsafeRawPointer(client)
  }
}
