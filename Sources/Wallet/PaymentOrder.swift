public import IOTACrypto
public import PaywallCore

/// What is to be paid: to whom, how much, with what memo.
public struct PaymentOrder: Hashable, Sendable {
  /// How the memo is put into the transaction.
  public enum MemoForm: String, Hashable, Sendable, CaseIterable {
    /// The JSON text as a pure input that no command uses: the cheapest, and the default.
    case input
    /// The JSON text as a BCS string, the argument of a call of `0x1::string::utf8`: what wallets
    /// that check for unused inputs accept.
    case string
  }

  /// Who is paid.
  public var recipient: Address
  /// How much, in NANOS.
  public var amountNanos: Nanos
  /// The memo.
  public var memo: PaymentMemo?
  /// How the memo is put into the transaction.
  public var memoForm: MemoForm

  /// An order of the given parts.
  public init(
    to recipient: Address, amountNanos: Nanos, memo: PaymentMemo? = nil,
    memoForm: MemoForm = .input
  ) {
    self.recipient = recipient
    self.amountNanos = amountNanos
    self.memo = memo
    self.memoForm = memoForm
  }

  /// The transaction that pays the order: splits the amount off the gas coins and transfers it.
  public func transaction(sender: Address, gas: Transaction.GasData) -> Transaction {
    var amount = BCSWriter()
    amount.number(UInt64(max(amountNanos, 0)))
    var inputs: [Transaction.Input] = [.pure(amount.bytes), .pure(recipient.bytes)]
    var commands: [Transaction.Command] = [
      .splitCoins(.gas, amounts: [.input(0)]),
      .transferObjects([.nestedResult(0, 0)], to: .input(1)),
    ]
    if let memo {
      switch memoForm {
      case .input:
        inputs.append(.pure(Array(memo.description.utf8)))
      case .string:
        var string = BCSWriter()
        string.string(memo.description)
        inputs.append(.pure(string.bytes))
        commands.append(
          .moveCall(
            package: Self.moveStandardLibrary, module: "string", function: "utf8",
            typeArguments: [], arguments: [.input(2)]))
      }
    }
    return Transaction(inputs: inputs, commands: commands, sender: sender, gas: gas)
  }

  /// `0x1`.
  private static let moveStandardLibrary =
    Address(bytes: [UInt8](repeating: 0, count: 31) + [1]) ?? Address(.zero)
}
