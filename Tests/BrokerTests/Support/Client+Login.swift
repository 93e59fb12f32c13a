import IOTACrypto

extension Client.Options {
  /// The login of a broker account.
  static func account(
    _ name: String, clientID: String? = nil, version: Client.Version = .v311, isClean: Bool = true
  ) -> Client.Options {
    var options = Client.Options(
      username: name, password: Mosquitto.password(of: name), version: version, isClean: isClean)
    if let clientID { options.clientID = clientID }
    return options
  }

  /// The login of a wallet's owner, by signature.
  static func wallet(
    _ key: PrivateKey, realm: String = "plug.test", expiresInS: Int64 = 600, as name: String? = nil,
    version: Client.Version = .v311
  ) -> Client.Options {
    let password = WalletLogin.password(
      key: key, realm: realm, expiryS: nowMs() / 1000 + expiresInS)
    return Client.Options(
      username: name ?? "\(key.address)", password: password, version: version)
  }
}
