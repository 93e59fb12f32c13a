internal import HTTP
internal import IOTACrypto
internal import PaywallCore

/// What a transaction means for the seller.
enum Judgement: Equatable, Sendable {
  /// It is known what it is: a payment, or none and why.
  case clear(Payment)
  /// The node did not tell enough, or told nonsense; the checkpoint where it named one.
  case unclear(reason: String, checkpoint: Int64?)
}

extension TransactionBlock {
  /// The last millisecond of the year 9999; a later time is nonsense.
  static let latestTimeMs: Int64 = 253_402_300_799_999

  /// Judges the transaction of the digest for the seller's address.
  ///
  /// The sender and the memo are taken from the raw bytes that the digest names and the sender
  /// signed, so that no node can change them. The amount, the success and the time are the node's
  /// word.
  func judged(as digest: Digest, seller: Address) -> Judgement {
    do {
      return .clear(try payment(digest, seller: seller))
    } catch {
      let details = errors.map { $0.joined(separator: ", ") } ?? ""
      let reason = details.isEmpty ? error.reason : "\(error.reason) (\(details))"
      return .unclear(
        reason: SafeText.line(reason, maximumCount: 300), checkpoint: checkpoint?.value)
    }
  }

  private func payment(_ digest: Digest, seller: Address) throws(Unclear) -> Payment {
    var payment = Payment(
      digest: digest, payer: nil, amount: 0, checkpoint: try finalCheckpoint())
    let bytes = rawTransaction.flatMap(Base64.decode)
    guard let bytes else { throw Unclear("the raw transaction is missing or no base64") }
    if Self.isNetworksOwn(bytes) {
      payment.rejection = "a transaction of the network's own"
      return payment
    }
    if let signed = try signedTransaction(bytes, digest) {
      payment.payer = signed.transaction.sender
      payment.isPayerVerified = try Self.isVerified(signed)
      payment.memo = Memo.read(pureInputs: signed.transaction.inputs.compactMap(\.pureBytes))
    }
    try appraise(&payment, seller: seller)
    return payment
  }

  /// Nil while the transaction is executed but in no checkpoint yet.
  private func finalCheckpoint() throws(Unclear) -> Checkpoint? {
    guard let checkpoint else { return nil }
    guard let timestampMs, timestampMs.value <= Self.latestTimeMs else {
      throw Unclear("the checkpoint's time is missing or impossible")
    }
    return Checkpoint(sequence: checkpoint.value, timeMs: timestampMs.value)
  }

  /// Whether the kind of transaction is one that only validators send, such as a change of epoch.
  ///
  /// One signed transaction, three bytes of intent, the version, then the kind.
  private static func isNetworksOwn(_ bytes: [UInt8]) -> Bool {
    bytes.starts(with: [1, 0, 0, 0, 0]) && bytes.count > 5 && bytes[5] != 0
  }

  /// Nil where the transaction uses features that this version cannot read; the payment then has no
  /// known sender, and is left for the seller to assign.
  private func signedTransaction(
    _ bytes: [UInt8], _ digest: Digest
  ) throws(Unclear) -> SignedTransaction? {
    let signed: SignedTransaction
    do {
      signed = try SignedTransaction(bcs: bytes)
    } catch {
      guard error.code == .unsupported else {
        throw Unclear("the raw transaction cannot be read: \(error)")
      }
      return nil
    }
    guard signed.transaction.digest == digest else {
      throw Unclear("the raw transaction is another than the digest names")
    }
    return signed
  }

  private static func isVerified(_ signed: SignedTransaction) throws(Unclear) -> Bool {
    switch signed.verdict {
    case .valid: return true
    case .unsupported: return false
    case .invalid: throw Unclear("the sender's signature is not valid")
    }
  }

  /// Finds what the seller gained, or why it is no payment.
  private func appraise(_ payment: inout Payment, seller: Address) throws(Unclear) {
    guard let effects else { throw Unclear("the effects are missing") }
    if let other = effects.transactionDigest, Digest(other) != payment.digest {
      throw Unclear("the effects are those of another transaction")
    }
    switch effects.status.status {
    case "success": break
    case "failure":
      let error = SafeText.line(effects.status.error ?? "no reason given", maximumCount: 200)
      payment.rejection = "the transaction failed: \(error)"
      return
    default: throw Unclear("the status is neither success nor failure")
    }
    let gain = try gain(of: seller)
    if payment.payer == seller {
      payment.rejection = "the seller's own transaction"
    } else if let gain, gain > 0 {
      payment.amount = gain
    } else {
      payment.rejection = gain == nil ? "no IOTA moved to the seller" : "the seller gained no IOTA"
    }
  }

  /// The seller's net change in IOTA; nil where there is none.
  private func gain(of seller: Address) throws(Unclear) -> Nanos? {
    guard let balanceChanges else { throw Unclear("the balance changes are missing") }
    var gain: Nanos?
    for change in balanceChanges where change.isIOTA {
      guard case .address(let owner) = change.owner else { continue }
      guard let owner = Address(abbreviated: owner) else {
        throw Unclear("a balance change names an owner that is no address")
      }
      guard owner == seller else { continue }
      guard let amount = change.nanos else {
        throw Unclear("a balance change's amount is no integer of 64 bits")
      }
      let (sum, overflows) = (gain ?? 0).addingReportingOverflow(amount)
      guard !overflows else { throw Unclear("the balance changes exceed 64 bits") }
      gain = sum
    }
    return gain
  }
}

extension TransactionBlock.BalanceChange {
  /// Whether the coin is `0x2::iota::IOTA`, the address abbreviated or not.
  fileprivate var isIOTA: Bool {
    let parts = coinType.split(separator: "::", omittingEmptySubsequences: false)
    return parts.count == 3 && Address(abbreviated: parts[0]) == Self.framework
      && parts[1] == "iota" && parts[2] == "IOTA"
  }

  private static let framework = Address(abbreviated: "0x2")

  /// The amount, where it is a plain decimal integer.
  fileprivate var nanos: Nanos? {
    let digits = amount.hasPrefix("-") ? amount.dropFirst() : amount[...]
    guard digits.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains) else {
      return nil
    }
    return Nanos(amount)
  }
}

extension Transaction.Input {
  fileprivate var pureBytes: [UInt8]? {
    if case .pure(let bytes) = self { bytes } else { nil }
  }
}

/// Why a transaction cannot be judged now.
private struct Unclear: Error {
  let reason: String

  init(_ reason: String) {
    self.reason = reason
  }
}
