import FoundationEssentials
import PaywallCore

/// What is written beside a payment, for the broker to read: a JSON object.
///
/// It is public for ever, as everything on the tangle is.
public struct PaymentMemo: Hashable, Sendable, CustomStringConvertible {
  /// The JSON text.
  public let description: String

  /// `{"username":…}`, with `"offer"` where one is named: adds time to a broker account, or with
  /// `buyer:NAME` to a buyer's.
  ///
  /// - Throws: ``WalletError`` for a name that the broker would not accept.
  public init(username: String, offer: String? = nil) throws(WalletError) {
    switch Account(username: username) {
    case .broker, .buyer: break
    case .wallet:
      throw WalletError(
        .invalidInput,
        "\(username) is a wallet's account: it gets time by a payment from that wallet, "
          + "without a username.")
    case nil:
      throw WalletError(
        .invalidInput,
        "'\(username)' is no username: 1 to 64 bytes without / + # $ % : and control characters.")
    }
    if let offer, Name(offer) == nil {
      throw WalletError(.invalidInput, "'\(offer)' cannot be the name of an offer.")
    }
    var members = ["username": username]
    members["offer"] = offer
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let json = try? encoder.encode(members) else {
      throw WalletError(.invalidInput, "The memo for '\(username)' cannot be written as JSON.")
    }
    try self.init(json: String(decoding: json, as: UTF8.self))
  }

  /// A memo of the given JSON text, as it is.
  ///
  /// - Throws: ``WalletError`` where a broker would find no memo in it, or a contradiction.
  public init(json: String) throws(WalletError) {
    guard json.utf8.count <= Self.maximumByteCount else {
      throw WalletError(
        .invalidInput, "The memo is longer than \(Self.maximumByteCount) bytes, an input's limit.")
    }
    switch Memo.read(pureInputs: [Array(json.utf8)]).content {
    case .plain, .sealed: description = json
    case .none:
      throw WalletError(
        .invalidInput,
        #"The memo means nothing to a broker: write a JSON object as {"username":"johndoe"}."#)
    case .contradictory(let reason):
      throw WalletError(.invalidInput, "The memo cannot be used: \(reason).")
    }
  }

  /// Pure inputs are below 16 KiB (`max_pure_argument_size`), and a BCS string's length takes two
  /// bytes of them.
  private static let maximumByteCount = 16 * 1024 - 3
}
