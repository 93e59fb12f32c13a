public import ArgumentParser
public import Ledger
import PaywallCore

/// `paywall payments`: what was paid, and what became of it.
struct PaymentsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "payments",
    abstract: "Show payments, the newest first.",
    discussion: """
      Every transaction that touched your address is a payment in one of four states: confirmed (it \
      counts for an account and an offer), pending (in no checkpoint yet), unclaimed (yours to assign \
      or to refund: paywall assign), rejected (none: your own spending, another coin). With \
      --account, what was assigned to it is included. A pending payment's time is when it was first \
      seen. For all of them use paywall export. Piped, an array of JSON objects. The ledger is only \
      read, and may be in use.
      """)

  @Option(help: ArgumentHelp("Only of this account: NAME, buyer:NAME or 0x….", valueName: "user"))
  var account: Account?

  @Option(help: "Only in this state.")
  var state: PaymentState?

  @OptionGroup var range: TimeRange

  @Option(help: ArgumentHelp("At most so many.", valueName: "count"))
  var limit = 100

  @OptionGroup var ledger: LedgerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard limit > 0 else { throw ValidationError("--limit has to be at least 1.") }
  }

  func run() throws {
    let payments = try payments()
    try output.write(
      payments.map(PaymentReport.init), lines: lines(payments, width: Terminal.columnCount))
  }

  func payments() throws -> [PaymentRecord] {
    let filter = PaymentFilter(
      account: account?.username, state: state, fromMs: range.from, toMs: range.to)
    let (payments, areMore) = try ledger.read().newestPayments(filter, limit: limit)
    if areMore { Terminal.note("Note: there are more; --limit shows them.") }
    return payments
  }

  func lines(_ payments: [PaymentRecord], width: Int) -> [String] {
    guard !payments.isEmpty else { return ["There are no such payments."] }
    let remarks = payments.map { payment in
      ShownText.line(payment.assignedTo.map { _ in "assigned" } ?? payment.reason)
    }
    let areRemarks = remarks.contains { !$0.isEmpty }
    var table = TextTable(
      [
        .init("TIME"), .init("IOTA", isNumber: true), .init("STATE"),
        .init("ACCOUNT", leastWidth: 10), .init("OFFER", leastWidth: 6),
        .init("PAYMENT", leastWidth: 12),
      ] + (areRemarks ? [.init("REMARK", leastWidth: 8)] : []))
    let amounts = ShownText.iota(payments.map { UInt128($0.amountNanos.magnitude) })
    for (payment, (amount, remark)) in zip(payments, zip(amounts, remarks)) {
      table.add([
        Moment.second(ms: payment.paidAtMs ?? payment.seenAtMs), amount,
        ShownText.line(payment.state), ShownText.line(payment.account ?? payment.assignedTo),
        ShownText.line(payment.offer), ShownText.line(payment.digest), remark,
      ])
    }
    return table.lines(width: width)
  }
}

/// A payment for programs.
struct PaymentReport: Encodable {
  let digest: String
  let payer: String?
  let verified: Bool
  let amountNanos: Nanos
  let amountIota: String
  let memo: String?
  let checkpoint: Int64?
  let paidAt: String?
  let seenAt: String
  let state: String
  let reason: String?
  let account: String?
  let offer: String?
  let assignedTo: String?

  init(_ payment: PaymentRecord) {
    digest = payment.digest
    payer = payment.payer
    verified = payment.isVerified
    amountNanos = payment.amountNanos
    amountIota = Amount.iota(UInt128(payment.amountNanos.magnitude))
    memo = payment.memo
    checkpoint = payment.checkpoint
    paidAt = payment.paidAtMs.map(Moment.describe)
    seenAt = Moment.describe(ms: payment.seenAtMs)
    state = payment.state
    reason = payment.reason
    account = payment.account
    offer = payment.offer
    assignedTo = payment.assignedTo
  }
}

extension PaymentState: ExpressibleByArgument {}
