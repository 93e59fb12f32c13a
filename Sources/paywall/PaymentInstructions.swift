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
    let memo = order.memo.map { " --move-call std::string::utf8 " + string($0.description) }
    return "iota client ptb --split-coins gas \"[\(order.amountNanos)]\" --assign pay "
      + "--transfer-objects \"[pay]\" @\(order.recipient)\(memo ?? "") --gas-budget 10000000"
  }

  /// A JSON text as a string of that command's, in a word of a POSIX shell.
  ///
  /// The command takes what is between its quotes as it is: a backslash keeps a quote from ending the
  /// string, and stays in it. So its quotes are single ones, of which the JSON has none.
  private static func string(_ json: String) -> String {
    #""'"'"# + ShellWord.replacing("'", in: json, with: #"\u0027"#) + #"'"'""#
  }
}
