import IOTACrypto
import PaywallCore

/// A transaction on the simulated tangle.
struct PlainTransaction {
  enum Memo {
    case none
    case plain(String, offer: String?)
    case sealed(String, password: String, offer: String?)
    case unreadable
    case contradictory
  }

  var digest: [UInt8]
  /// Base64 of its bytes, where it has any.
  var raw = ""
  /// The digest as the ledger writes it, by which results are compared.
  var text: String
  var payer: String?
  var isPayerVerified: Bool
  var amount: Int64
  var memo: Memo
  var isRejected: Bool
  /// When the sender sent it.
  var sentAtMs: Int64
  /// The checkpoint; nil: it never gets into one.
  var checkpoint: (sequence: Int64, timeMs: Int64)?
  /// From when the node shows it as final.
  var shownFromMs: Int64

  /// In a few words.
  var summary: String {
    let final = checkpoint.map { "in checkpoint \($0.sequence) of \($0.timeMs)" } ?? "never final"
    return "\(text.prefix(8)) \(amount) from \(payer?.prefix(4) ?? "nobody"), "
      + "\(isRejected ? "rejected, " : "")\(memo), \(final), shown from \(shownFromMs)"
  }

  /// Whether it is rejected because it has failed, whatever nodes say it moved, and not because it
  /// moved nothing.
  var hasFailed: Bool { isRejected && digest[11].isMultiple(of: 2) }

  /// As a source hands it over.
  func payment(isFinal: Bool) -> Payment {
    var payment = Payment(
      digest: Digest(Bytes32(digest) ?? .zero), payer: payer.flatMap { Address($0) },
      isPayerVerified: isPayerVerified, amount: isRejected ? 0 : amount,
      memo: PaywallCore.Memo(
        content: content, text: memos.isEmpty ? nil : memos.joined(separator: "\n")),
      checkpoint: nil)
    if isFinal, let checkpoint {
      payment.checkpoint = Checkpoint(
        sequence: checkpoint.sequence, timeMs: checkpoint.timeMs)
      if isRejected {
        payment.rejection =
          hasFailed ? "the transaction failed: no reason given" : "no IOTA moved to the seller"
      }
    }
    return payment
  }

  private var content: PaywallCore.Memo.Content {
    switch memo {
    case .none: .none
    case .plain(let name, let offer):
      .plain(username: Array(name.utf8), offer: offer.map { Array($0.utf8) })
    case .sealed(let name, let password, let offer):
      .sealed(Array(([name, password] + (offer.map { [$0] } ?? [])).joined(separator: "\t").utf8))
    case .unreadable: .sealed([1, 2, 3])
    case .contradictory: .contradictory("the transaction holds 2 memos")
    }
  }

  /// What opens the simulation's memos, without cryptography.
  static func open(_ memo: [UInt8]) -> BuyerClaim? {
    let parts = memo.split(separator: UInt8(ascii: "\t"))
    guard parts.count > 1, let name = Name(Array(parts[0])) else { return nil }
    return BuyerClaim(
      name: name, passwordHash: hash(name, Array(parts[1])),
      offer: parts.count > 2 ? Array(parts[2]) : nil)
  }

  /// The broker's name in wallets' logins.
  static let realm = "r"
  /// The broker's secret.
  static let masterKey = {
    guard let key = MasterKey(Array(repeating: 7, count: 32)) else {
      preconditionFailure("32 bytes are a secret")
    }
    return key
  }()

  /// What is kept of a password.
  static func hash(_ name: Name, _ password: [UInt8]) -> Bytes32 {
    masterKey.passwordHash(name: name, password: password)
  }
}
