import ArgumentParser
import Foundation
import IOTACrypto
import PaywallCore
import Wallet

/// `paywall pay`: pays an address, with or without a memo.
struct Pay: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Pay an address.",
    discussion: """
      Without a memo, the bought time belongs to the wallet's own address (paywall wallet \
      sign-login). With --username it belongs to that account of the broker. Memos are public for \
      ever.

      Shows recipient, amount, gas and total, and asks; --yes agrees beforehand. Without a terminal \
      and without --yes nothing is paid. Exit codes: see paywall --help.
      """)

  @Argument(help: "Who is paid: 0x and 64 hexadecimal digits.")
  var address: Address

  @Argument(help: "How much: '0.0005 IOTA', '500000 nanos' or '500 i' (1 i = 1000 nanos).")
  var amount: [String]

  @Option(help: "The account of the broker that the time is for, or buyer:NAME.")
  var username: String?

  @Option(help: "Which offer is paid for; without it, the seller's first. Needs --username.")
  var offer: String?

  @Option(help: ArgumentHelp("A memo of your own: a JSON object.", valueName: "json"))
  var memo: String?

  @Option(
    help: """
      How the memo is put into the transaction: input (an unused pure input) or string (a call of \
      0x1::string::utf8).
      """)
  var memoForm = PaymentOrder.MemoForm.input

  @Flag(name: .shortAndLong, help: "Pay without asking.")
  var yes = false

  @OptionGroup var key: KeyOptions
  @OptionGroup var node: NodeOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard memo == nil || (username == nil && offer == nil) else {
      throw ValidationError("--memo is the whole memo: leave out --username and --offer.")
    }
    guard offer == nil || username != nil else {
      throw ValidationError("--offer needs --username: a payment without a memo names no offer.")
    }
  }

  func run() throws {
    let order = try order()
    guard yes || Terminal.canAsk else {
      Terminal.note("Error: nobody can be asked, so nothing was paid: agree with --yes.")
      throw exitNotAgreed
    }
    let privateKey = try key.file.read()
    let payer = Payer(node: try node.connect(), key: privateKey)
    let payment = try payer.prepare(order)
    if !yes || output.isForPeople {
      show(payment, from: privateKey.address).forEach(Terminal.note)
    }
    guard yes || Terminal.agrees(to: "Pay?") else {
      Terminal.note("Nothing was paid.")
      throw exitNotAgreed
    }
    try report(payer.confirm(try payer.execute(payment)), of: order)
  }

  private func order() throws -> PaymentOrder {
    let nanos: Nanos
    do {
      nanos = try Amount.parse(amount.joined(separator: " "))
    } catch {
      throw WalletError(.invalidInput, "\(error).")
    }
    let memo =
      if let username { try PaymentMemo(username: username, offer: offer) } else {
        try memo.map { (json) throws(WalletError) in try PaymentMemo(json: json) }
      }
    return PaymentOrder(to: address, amountNanos: nanos, memo: memo, memoForm: memoForm)
  }

  private func show(_ payment: PreparedPayment, from sender: Address) -> [String] {
    let order = payment.order
    let memo = order.memo.map { ["Memo:   \($0) (public for ever)"] } ?? []
    return [
      "From:   \(sender)", "To:     \(order.recipient)",
      "Amount: \(Amount.describe(order.amountNanos))",
    ] + memo + [
      "Gas:    \(Amount.describe(payment.gas.netNanos))",
      "Total:  \(Amount.describe(payment.totalNanos))",
    ]
  }

  private func report(_ payment: ExecutedPayment, of order: PaymentOrder) throws {
    let answer = Answer(
      digest: "\(payment.digest)", recipient: "\(order.recipient)",
      amountNanos: order.amountNanos, gasNanos: payment.gas.netNanos,
      memo: order.memo?.description, checkpoint: payment.checkpoint,
      paidAt: payment.timestampMs.map { timeMs in
        Date(timeIntervalSince1970: Double(timeMs) / 1000)
          .ISO8601Format(.init(includingFractionalSeconds: true))
      })
    let place =
      payment.checkpoint.map { "in checkpoint \($0)" }
      ?? "executed, but not yet in a checkpoint: look it up before relying on it"
    try output.write(answer, lines: ["Paid: \(payment.digest), \(place)."])
  }

  private struct Answer: Encodable {
    let digest: String
    let recipient: String
    let amountNanos: Nanos
    let gasNanos: Nanos
    let memo: String?
    let checkpoint: UInt64?
    let paidAt: String?
  }
}
