import Foundation
import IOTACrypto
import PaywallCore
import TestSupport

/// How a stranger buys: a key from the broker, a sealed memo, a login of its own.
extension Shop {
  /// The key that the broker makes for an anonymous client.
  func memoKey(version: Client.Version = .v311) throws -> MemoKey {
    let stranger = try client(version: version)
    defer { stranger.disconnect() }
    try stranger.subscribe(to: SystemTopic.key)
    guard let told = stranger.awaitArrival(of: SystemTopic.key), let key = MemoKey(told.text) else {
      throw TestFailure("no key was told, but \(stranger.arrivals)")
    }
    return key
  }

  /// Pays for a login that the buyer has chosen.
  @discardableResult
  func pay(
    _ amountNanos: Int64, by buyer: Buyer, for username: String, _ password: String,
    offer: String? = nil
  ) throws -> Buyer.Paid {
    try buyer.pay(amountNanos, memos: [try memoKey().memo(username, password, offer: offer)])
  }

  /// Whether a login is accepted.
  func accepts(_ username: String, _ password: String?) throws -> Bool {
    let client = try Client(
      port: broker.port, .init(username: username, password: password))
    defer { client.disconnect() }
    return try client.connect() == 0
  }
}

extension MemoKey {
  private struct Told: Decodable {
    var id: String
    var key: String
  }

  /// The key of a message on `$SYS/paywall/key`.
  init?(_ json: String) {
    guard let told = try? JSONDecoder().decode(Told.self, from: Data(json.utf8)) else { return nil }
    self.init(id: told.id, key: told.key)
  }

  /// A memo with sealed credentials, as it is written into a transaction.
  func memo(_ username: String, _ password: String, offer: String? = nil) throws -> String {
    var members = ["username": username, "password": password]
    members["offer"] = offer
    guard let sealed = seal(Array(try JSONEncoder().encode(members))) else {
      throw TestFailure("nothing can be sealed with the broker's key")
    }
    return #"{"sealed":"\#(sealed)"}"#
  }
}
