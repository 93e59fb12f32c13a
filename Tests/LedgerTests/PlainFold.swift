import Foundation
import PaywallCore

/// What a history of payments comes to, written down plainly: no ledger, and none of its rules' code.
struct PlainFold {
  /// A version of an offer; the end of one is the beginning of the next of the same name.
  struct Terms {
    var name: String
    var price: Int64
    var minimumMs: Int64
    var fromMs: Int64
  }

  private(set) var payments: [String] = []
  private(set) var credits: [String] = []
  private(set) var bought: [String] = []
  /// Who may log in by which password.
  private(set) var logins: [String] = []

  private struct Balance {
    var nanos: Int64 = 0
    var endMs = Int64.min
  }

  init(_ history: [Payment], _ terms: [Terms]) {
    // By bytes: Swift takes two of the names for the same.
    var balances: [[UInt8]: Balance] = [:]
    let ordered = history.sorted { first, second in
      let (left, right) = (first.checkpoint?.sequence ?? 0, second.checkpoint?.sequence ?? 0)
      return left != right
        ? left < right : first.digest.bytes.lexicographicallyPrecedes(second.digest.bytes)
    }
    // The passwords of buyers, the first that came.
    var passwords: [[UInt8]: String] = [:]
    for payment in ordered {
      guard let checkpoint = payment.checkpoint else { continue }
      let claim =
        payment.rejection == nil
        ? Self.claim(payment, checkpoint.timeMs, terms, &passwords) : nil
      let state =
        payment.rejection != nil ? "rejected" : claim == nil ? "unclaimed" : "confirmed"
      payments.append(
        "\(payment.digest)|\(payment.amount)|\(checkpoint.sequence)|\(checkpoint.timeMs)|\(state)|"
          + "\(claim?.account ?? "")|\(claim?.terms.name ?? "")")
      guard let claim else { continue }
      let key = "\(claim.account)|\(claim.terms.name)"
      var balance = balances[Array(key.utf8)] ?? Balance()
      let paid = UInt64(balance.nanos) + UInt64(payment.amount)
      balance.nanos = Int64(min(paid, UInt64(Int64.max)))
      // A millisecond for each `price`, and no more than 2⁶².
      let lengthMs = min(balance.nanos / claim.terms.price, 1 << 62)
      if lengthMs >= max(1, claim.terms.minimumMs) {
        let startMs = max(checkpoint.timeMs, balance.endMs)
        balance.endMs = startMs > Int64.max - lengthMs ? .max : startMs + lengthMs
        balance.nanos = 0
        bought.append("\(key)|\(startMs)|\(balance.endMs)|\(payment.digest)")
      }
      balances[Array(key.utf8)] = balance
    }
    credits = balances.filter { $0.value.nanos > 0 }.map {
      "\(String(decoding: $0.key, as: UTF8.self))|\($0.value.nanos)"
    }
    logins = passwords.map { name, password in
      let hash = Hex.encode(PlainSeal.hash(String(decoding: name, as: UTF8.self), password).bytes)
      return "buyer:\(String(decoding: name, as: UTF8.self))|\(hash)"
    }
    logins.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    // The order of the bytes, as SQLite sorts.
    payments.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    credits.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    bought.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  private static func claim(
    _ payment: Payment, _ timeMs: Int64, _ terms: [Terms], _ passwords: inout [[UInt8]: String]
  ) -> (account: String, terms: Terms)? {
    var account: String
    var wanted: String?
    switch payment.memo.content {
    case .contradictory: return nil
    case .plain(let username, let offer):
      let name = String(decoding: username, as: UTF8.self)
      if name.contains("/") || name.hasPrefix("0x") { return nil }
      account = name
      wanted = offer.map { String(decoding: $0, as: UTF8.self) }
    case .sealed(let box):
      let parts = String(decoding: box, as: UTF8.self).components(separatedBy: "\t")
      if parts.count > 1 { wanted = parts.count > 2 ? parts[2] : nil }
      if parts.count > 1, passwords[Array(parts[0].utf8), default: parts[1]] == parts[1] {
        passwords[Array(parts[0].utf8)] = parts[1]
        account = "buyer:\(parts[0])"
        break
      }
      fallthrough
    case .none:
      guard let payer = payment.payer else { return nil }
      account = "\(payer)"
    }
    let names = terms.map(\.name)
    for name in wanted.map({ [$0] }) ?? names {
      let version = terms.last { $0.name == name && $0.fromMs <= timeMs }
      if let version { return (account, version) }
    }
    return nil
  }
}
