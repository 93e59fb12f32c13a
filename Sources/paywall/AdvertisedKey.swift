import Foundation
import IOTACrypto
import PaywallCore
import Wallet

/// The key that a broker made for us, as it says on `$SYS/paywall/key`.
struct AdvertisedKey: Decodable {
  let id: String
  let key: String

  /// The memo that only the broker can read.
  ///
  /// - Throws: ``BrokerError`` for a key with which nothing can be sealed, ``WalletError`` for a login
  ///   that no broker would take.
  static func memo(json: [UInt8], login: LoginFile.Login, offer: Name) throws -> PaymentMemo {
    guard let name = Name(login.username),
      BuyerLogin(name: name, password: Array(login.password.utf8)) != nil
    else {
      throw WalletError(
        .invalidInput,
        "The login cannot be used: a name has 1 to 64 bytes, a password 1 to 1024, so nothing was "
          + "paid.")
    }
    guard json.count <= 4096,
      let message = try? JSONDecoder().decode(Self.self, from: Data(json)),
      let key = MemoKey(id: message.id, key: message.key),
      let sealed = key.seal(
        try JSONEncoder().encode([
          "username": login.username, "password": login.password, "offer": offer.description,
        ]).map { $0 })
    else {
      throw BrokerError(
        "The key that the broker gave cannot seal a username and password, so nothing was paid.")
    }
    return try PaymentMemo(json: #"{"sealed":"\#(sealed)"}"#)
  }
}
