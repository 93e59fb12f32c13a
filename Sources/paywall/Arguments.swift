public import ArgumentParser
public import PaywallCore
public import Wallet

extension Address: ExpressibleByArgument {
  /// Reads `0x` and 64 hexadecimal digits.
  public init?(argument: String) {
    self.init(argument)
  }
}

extension PaymentOrder.MemoForm: ExpressibleByArgument {}
