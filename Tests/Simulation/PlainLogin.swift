import IOTACrypto

/// How somebody comes to the broker.
struct PlainLogin {
  /// A buyer's name and password, by which they are let in.
  struct Buyer: Hashable {
    var name: String
    var password: String
  }

  /// What it is worth.
  enum Worth {
    /// Nothing.
    case none
    /// As much as the broker's own means say.
    case elsewhere
    /// An account.
    case account(String, Buyer?)
  }

  var username: String?
  var password: String?
  /// What a wallet's password is worth.
  var isHolders = false

  /// What it is worth, with the passwords that buyers have.
  func worth(_ passwords: [String: String?]) -> Worth {
    guard let username else { return .elsewhere }
    if World.wallets.contains(username) { return isHolders ? .account(username, nil) : .none }
    let looksLikeWallet =
      username.utf8.count == 66 && username.hasPrefix("0x")
      && username.dropFirst(2).allSatisfy(\.isHexDigit)
    guard !looksLikeWallet else { return .none }
    let isReserved = username.hasPrefix("buyer:")
    let name = isReserved ? String(username.dropFirst(6)) : username
    guard let password, passwords[name] == .some(password) else {
      return isReserved ? .none : .elsewhere
    }
    return .account("buyer:\(name)", Buyer(name: name, password: password))
  }
}

extension World {
  /// Somebody comes, with the right password or not.
  func randomLogin(as account: String?) -> PlainLogin {
    guard let account else { return PlainLogin(password: chance(4) ? "p" : nil) }
    if let place = Self.wallets.firstIndex(of: account) { return walletLogin(place) }
    guard account.hasPrefix("buyer:") else {
      return PlainLogin(username: account, password: pick(["p", "q", nil]))
    }
    let name = String(account.dropFirst(6))
    return PlainLogin(
      username: chance(2) ? name : account,
      password: chance(4) ? pick(["p", "q", "z", nil]) : passwords[name] ?? nil)
  }

  private func walletLogin(_ place: Int) -> PlainLogin {
    let nowS = (plugin?.nowMs(time) ?? 0) / 1000
    let longestS = WalletLogin.maximumLifetimeS
    let expiryS =
      nowS
      + pick([0, 1, Int64(number(2...60)), Int64(number(2...9000)), longestS, longestS + 1])
    let signer = chance(5) ? number(0...Self.wallets.count - 1) : place
    let realm = chance(8) ? "another" : PlainTransaction.realm
    let password = WalletLogin.password(
      key: PlainTransaction.keys[signer], realm: realm, expiryS: expiryS)
    if chance(8) { return PlainLogin(username: Self.wallets[place]) }
    return PlainLogin(
      username: Self.wallets[place], password: password,
      isHolders: signer == place && realm == PlainTransaction.realm
        && nowS < expiryS && expiryS <= nowS + longestS)
  }
}
