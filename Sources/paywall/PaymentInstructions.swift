import PaywallCore
import Wallet

/// How to pay with another wallet.
struct PaymentInstructions: Encodable {
  let address: String
  let amountNanos: Nanos
  let memo: String?
  let command: String

  init(_ order: PaymentOrder) {
    address = order.recipient.description
    amountNanos = order.amountNanos
    memo = order.memo?.description
    command = Self.command(order)
  }

  /// The same for people.
  var lines: [String] {
    [
      "Address: \(address)", "Amount:  \(Amount.describe(amountNanos)) (\(amountNanos) NANOS)",
      memo.map { "Memo:    \($0)" } ?? "Memo:    none; the time is the paying wallet's",
      "With IOTA's own command:", command,
    ]
  }

  private static func command(_ order: PaymentOrder) -> String {
    let memo = order.memo.map { memo in
      let text = memo.description.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
      return " --move-call std::string::utf8 " + quoted("\"\(text)\"")
    }
    return "iota client ptb --split-coins gas \"[\(order.amountNanos)]\" --assign pay "
      + "--transfer-objects \"[pay]\" @\(order.recipient)\(memo ?? "") --gas-budget 10000000"
  }

  /// One word of a POSIX shell.
  private static func quoted(_ text: String) -> String {
    "'" + text.replacing("'", with: #"'\''"#) + "'"
  }
}
