/// What the payments that are known come to, written down plainly.
struct PlainHistory {
  struct Bought {
    var account: String
    var version: PlainOffers.Version
    var startsAtMs: Int64
    var endsAtMs: Int64
    var payment: String

    var line: String { "\(account)|\(version.terms.name)|\(startsAtMs)|\(endsAtMs)|\(payment)" }
  }

  private struct Balance {
    var nanos: Int64 = 0
    var endMs = Int64.min
  }

  private(set) var payments: Set<String> = []
  private(set) var credits: Set<String> = []
  private(set) var bought: [Bought] = []
  /// The passwords with which names of buyers were claimed first.
  private(set) var passwords: [String: String] = [:]
  /// For whom and what each payment counts.
  private(set) var claims: [String: (account: String, offer: String)] = [:]

  init(_ known: [PlainTransaction], _ offers: PlainOffers) {
    var balances: [String: Balance] = [:]
    let ordered = known.filter { $0.checkpoint != nil }.sorted { first, second in
      let (left, right) = (first.checkpoint?.sequence ?? 0, second.checkpoint?.sequence ?? 0)
      return left != right
        ? left < right : first.digest.lexicographicallyPrecedes(second.digest)
    }
    for transaction in ordered {
      guard let checkpoint = transaction.checkpoint else { continue }
      let line = "\(transaction.text)|\(transaction.isRejected ? 0 : transaction.amount)"
      guard !transaction.isRejected else {
        payments.insert("\(line)|rejected||")
        continue
      }
      guard let (account, version) = claim(transaction, checkpoint.timeMs, offers) else {
        payments.insert("\(line)|unclaimed||")
        continue
      }
      let name = version.terms.name
      payments.insert("\(line)|confirmed|\(account)|\(name)")
      claims[transaction.text] = (account, name)
      let key = "\(account)|\(name)"
      var balance = balances[key] ?? Balance()
      balance.nanos += transaction.amount
      let lengthMs = balance.nanos * version.terms.perMs / version.terms.price
      if lengthMs >= max(1, version.terms.minimumMs) {
        let startMs = max(checkpoint.timeMs, balance.endMs)
        balance = Balance(endMs: startMs + lengthMs)
        bought.append(
          Bought(
            account: account, version: version, startsAtMs: startMs, endsAtMs: balance.endMs,
            payment: transaction.text))
      }
      balances[key] = balance
    }
    credits = Set(balances.filter { $0.value.nanos > 0 }.map { "\($0.key)|\($0.value.nanos)" })
  }

  private mutating func claim(
    _ transaction: PlainTransaction, _ timeMs: Int64, _ offers: PlainOffers
  ) -> (account: String, version: PlainOffers.Version)? {
    var account = transaction.payer
    var wanted: String?
    switch transaction.memo {
    case .contradictory: return nil
    case .none, .unreadable: break
    case .plain(let name, let offer):
      if name.contains("/") || name.hasPrefix("0x") { return nil }
      (account, wanted) = (name, offer)
    case .sealed(let name, let password, let offer):
      wanted = offer
      if passwords[name, default: password] == password {
        passwords[name] = password
        account = "buyer:\(name)"
      }
    }
    guard let account, let version = offers.version(named: wanted, atMs: timeMs) else { return nil }
    return (account, version)
  }
}
