/// What the payments that are known come to, written down plainly.
struct PlainHistory {
  struct Bought {
    var account: String
    var version: PlainOffers.Version
    var startsAtMs: Int64
    var endsAtMs: Int64
    var payment: String

    var key: String { "\(account)|\(version.terms.name)" }
    var lengthMs: Int64 { endsAtMs - startsAtMs }
    var line: String { "\(account)|\(version.terms.name)|\(startsAtMs)|\(endsAtMs)|\(payment)" }
  }

  private struct Balance {
    var nanos: Int64 = 0
    var endMs = Int64.min
  }

  private(set) var payments: Set<String> = []
  private(set) var creditNanos: [String: Int64] = [:]
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
    creditNanos = balances.mapValues(\.nanos).filter { $0.value > 0 }
  }

  var credits: Set<String> { Set(creditNanos.map { "\($0.key)|\($0.value)" }) }

  /// Time that a payment gives before it is final.
  struct Provisional {
    var account: String
    var version: PlainOffers.Version
    /// How long at most.
    var mostMs: Int64
  }

  /// What a payment may give that is seen at a time, before it is known whose a new name becomes.
  func provisional(
    _ transaction: PlainTransaction, atMs timeMs: Int64, limitMs: Int64, _ offers: PlainOffers
  ) -> Provisional? {
    if case .sealed(let name, let password, _) = transaction.memo, passwords[name] != password {
      return nil
    }
    var later = self
    guard limitMs > 0, transaction.isPayerVerified, !transaction.isRejected,
      let (account, version) = later.claim(transaction, timeMs, offers)
    else { return nil }
    let terms = version.terms
    let nanos = transaction.amount + creditNanos["\(account)|\(terms.name)", default: 0]
    let lengthMs = nanos * terms.perMs / terms.price
    guard lengthMs >= max(1, terms.minimumMs) else { return nil }
    return Provisional(account: account, version: version, mostMs: min(lengthMs, limitMs))
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
      if World.impossibleNames.contains(name) { return nil }
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
