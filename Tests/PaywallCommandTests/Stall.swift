import DevTangle
import Foundation
import HTTP
import IOTACrypto
import PaywallCore

/// A seller, and the stand-in for the broker that sells.
struct Stall: Sendable {
  let seller = PrivateKey().address
  let master: MasterKey

  init() throws {
    guard let master = MasterKey(Array(0..<32)) else { throw POSIXError(.EINVAL) }
    self.master = master
  }

  /// What the broker says of its offers: `live`, unless it is changed, and more after it.
  func offers(
    network: String, others: [String] = [],
    change: (inout [String: JSONValue], inout [String: JSONValue]) -> Void = {
      _, _ in
    }
  ) throws -> [UInt8] {
    var offer: [String: JSONValue] = [
      "name": "live", "topics": ["sensor/live"], "price_nanos": 500_000, "per_ms": 3_600_000,
      "minimum_ms": 1000, "clients": 0,
    ]
    var message: [String: JSONValue] = [
      "address": .string("\(seller)"), "network": .string(network), "protocol": "rebased-jsonrpc",
      "realm": "127.0.0.1",
    ]
    let more = others.map { name in
      var other = offer
      other["name"] = .string(name)
      other["topics"] = [.string("\(name)/#")]
      return JSONValue.object(other)
    }
    change(&message, &offer)
    message["offers"] = .array([.object(offer)] + more)
    return try Array(JSONEncoder().encode(message))
  }

  private struct Page: Decodable {
    struct Transaction: Decodable {
      var digest: String
      var rawTransaction: String
    }
    var data: [Transaction]
  }

  private func payments(_ node: String) -> [Page.Transaction] {
    let endpoint = JSONRPCEndpoint(url: node, headers: [], client: HTTPClient(), timeoutMs: 60_000)
    let query: [JSONValue] = [
      [
        "filter": ["ToAddress": .string("\(seller)")], "options": ["showRawInput": true],
      ], nil, nil, false,
    ]
    return (try? endpoint.call("iotax_queryTransactionBlocks", query, as: Page.self))?.data ?? []
  }

  /// The digests of the payments to the seller.
  @Sendable func digests(_ node: String) -> [String] { payments(node).map(\.digest) }

  /// The claims in the payments to the seller, as a broker with the master secret reads them.
  @Sendable func claims(_ node: String) -> [BuyerClaim?] {
    payments(node).map { transaction in
      let bytes = Base64.decode(transaction.rawTransaction[...]) ?? []
      guard let start = bytes.firstRange(of: Array(#"{"sealed":""#.utf8)) else { return nil }
      return master.open(Array(bytes[start.upperBound...].prefix { $0 != UInt8(ascii: "\"") }))
    }
  }

  /// Whether a wallet signed the login.
  static func isWallet(_ login: StandIn.Login) -> Bool {
    guard let username = login.username, let password = login.password,
      case .valid = WalletLogin.verify(username: username, password: password, realm: "127.0.0.1")
    else { return false }
    return true
  }

  /// What is told of an account that holds something of an offer, or of none.
  static func report(
    of offer: String?, until: String? = "2030-01-01T00:00:00.000Z", paidBy digest: String? = nil,
    notice: String? = nil
  ) -> String {
    let payment =
      digest.map {
        #"{"digest":"\#($0)","amount_nanos":500000,"paid_at":"2026-01-01T00:00:00.000Z"}"#
      } ?? "null"
    let until = until.map { "\"\($0)\"" } ?? "null"
    let holding =
      offer.map { #""\#($0)":{"until":\#(until),"credit_nanos":0,"last_payment":\#(payment)}"# }
      ?? ""
    let notice =
      notice.map { #","notice":{"kind":"\#($0)","offer":"\#(offer ?? "")"}"# } ?? ""
    return #"{"username":"buyer:x","offers":{\#(holding)}\#(notice)}"#
  }

  /// A broker that lets in wallets and whoever has paid for the login.
  ///
  /// - Parameters:
  ///   - tangle: Where it is paid.
  ///   - offers: What it says of its offers.
  ///   - key: What it tells as its key; nil: a right one.
  ///   - opens: Whether it can open what was sealed for it.
  ///   - account: What it tells of a client's account; nil: time of `live`.
  /// - Returns: The broker.
  /// - Throws: Where no port can be had.
  func broker(
    _ tangle: DevTangle, offers: [UInt8], key: String? = nil, opens: Bool = true,
    account: (@Sendable (StandIn.Login) -> String)? = nil
  ) throws -> StandIn {
    let node = tangle.nodeURL
    return try StandIn(
      accepts: { login in
        guard let username = login.username, let password = login.password else { return true }
        if Self.isWallet(login) { return true }
        guard opens, let name = Name(username) else { return false }
        let hash = master.passwordHash(name: name, password: password.utf8)
        return claims(node).contains { $0?.passwordHash == hash }
      },
      messages: { filter, login in
        switch filter {
        case SystemTopic.offers: return [(filter, offers)]
        case SystemTopic.key:
          let new = master.newMemoKey()
          return [(filter, Array(#"{"id":"\#(new.id.text)","key":"\#(key ?? new.text)"}"#.utf8))]
        case SystemTopic.account:
          return [(filter, Array((account?(login) ?? Self.report(of: "live")).utf8))]
        case "sensor/live": return [(filter, Array("1.5".utf8)), (filter, [0xFF, 0])]
        default: return []
        }
      })
  }
}
