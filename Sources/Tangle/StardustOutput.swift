internal import PaywallCore

/// What a node tells about an output; only what is needed.
///
/// Source: iotaledger/tips, TIP-18 (kinds of outputs, unlock conditions and features).
struct StardustOutput: Decodable, Sendable {
  struct Metadata: Decodable, Sendable {
    var transactionId: String
    var outputIndex: UInt16
    var milestoneIndexBooked: UInt32
    var milestoneTimestampBooked: UInt32
    /// Both are missing where it is unspent.
    var transactionIdSpent: String?
    var milestoneTimestampSpent: UInt32?
  }

  struct Contents: Decodable, Sendable {
    var type: UInt8
    /// Base units.
    var amount: String
    var unlockConditions: [UnlockCondition]?
    var features: [Feature]?
  }

  struct UnlockCondition: Decodable, Sendable {
    var type: UInt8
    var address: OwnerAddress?
    var returnAddress: OwnerAddress?
    /// An expiration's, in Unix seconds.
    var unixTime: UInt32?
  }

  struct Feature: Decodable, Sendable {
    var type: UInt8
    /// A sender's.
    var address: OwnerAddress?
    /// A metadata feature's.
    var data: String?
    /// A tag feature's.
    var tag: String?
  }

  /// An address; those of aliases and NFTs are of no interest.
  struct OwnerAddress: Decodable, Sendable {
    var type: UInt8
    var pubKeyHash: String?

    /// The address of a key, nil for any other.
    var value: Address? {
      type == StardustOutput.ed25519 ? pubKeyHash.flatMap { Address($0) } : nil
    }
  }

  var metadata: Metadata
  var output: Contents

  /// The kind of address that is the hash of an Ed25519 key.
  static let ed25519: UInt8 = 0
  private static let basic: UInt8 = 3
  /// The addresses that a condition holds, and features.
  private static let addressCondition: UInt8 = 0
  private static let expirationCondition: UInt8 = 3
  private static let senderFeature: UInt8 = 0
  private static let metadataFeature: UInt8 = 2
  private static let tagFeature: UInt8 = 3
}

// MARK: - What an output is worth

extension StardustOutput {
  /// What an output gives its owner.
  enum Worth: Equatable, Sendable {
    case money(Nanos)
    /// Nothing, or nothing that is sure to stay; why, in words.
    case refused(String)
  }

  /// The transaction that has consumed it, and when, in Unix seconds; nil where none has.
  var spent: (by: Digest, atS: UInt32)? {
    guard let text = metadata.transactionIdSpent, text.hasPrefix("0x"),
      let transaction = Hex.decode(text.dropFirst(2)).flatMap({ Digest(bytes: $0) }),
      let timeS = metadata.milestoneTimestampSpent
    else { return nil }
    return (transaction, timeS)
  }

  /// The name of the output, as the node tells it; nil where that is none.
  var id: StardustOutputID? {
    let place = [UInt8(metadata.outputIndex & 0xff), UInt8(metadata.outputIndex >> 8)]
    return StardustOutputID(metadata.transactionId + Hex.encode(place))
  }

  /// Whether the address, and no other, is to have it in the end.
  func belongs(to owner: Address) -> Bool {
    (output.unlockConditions ?? []).contains {
      $0.type == Self.addressCondition && $0.address?.value == owner
    }
  }

  /// Whether the address signs for it at a time, in Unix seconds: what has expired is the sender's.
  func isUnlocked(by owner: Address, atS timeS: UInt32) -> Bool {
    let expiration = output.unlockConditions?.first { $0.type == Self.expirationCondition }
    guard let expiration, let endS = expiration.unixTime, endS <= timeS else {
      return belongs(to: owner)
    }
    return expiration.returnAddress?.value == owner
  }

  /// What it is worth to its owner: plain base coins that nobody can take back count.
  ///
  /// Native tokens beside them are worth nothing here.
  var worth: Worth {
    guard output.type == Self.basic else {
      return .refused("the output is an NFT or another special one, which is no money")
    }
    for condition in output.unlockConditions ?? [] where condition.type != Self.addressCondition {
      return .refused(Self.objection(to: condition.type))
    }
    guard output.unlockConditions?.count == 1 else {
      return .refused("the output has more than one owner")
    }
    guard
      output.amount.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains),
      let units = Nanos(output.amount)
    else { return .refused("the amount is no integer of 63 bits") }
    let (nanos, overflows) = units.multipliedReportingOverflow(by: Self.nanosPerUnit)
    return overflows ? .refused("the amount in NANOS exceeds 63 bits") : .money(nanos)
  }

  /// A base unit of Stardust became 1000 NANOS.
  private static let nanosPerUnit: Nanos = 1000

  private static func objection(to condition: UInt8) -> String {
    switch condition {
    case 1: "the output asks for a part of it to be returned"
    case 2: "the output is locked until some time"
    case 3: "the output expires and then goes back"
    default: "the output has an unlock condition that is not known"
    }
  }

  /// Who the protocol says has sent it; nil where nobody is named, or no key's address.
  var sender: Address? {
    output.features?.first { $0.type == Self.senderFeature }?.address?.value
  }

  /// The bytes that hold its memo: the metadata, or else the tag; nil where neither does.
  var memoBytes: [UInt8]? {
    let features = output.features ?? []
    let metadata = features.first { $0.type == Self.metadataFeature }?.data
    let tag = features.first { $0.type == Self.tagFeature }?.tag
    return [metadata, tag].lazy.compactMap { $0 }.filter { $0.hasPrefix("0x") }
      .compactMap { Hex.decode($0.dropFirst(2)) }
      .first { Memo.read(pureInputs: [$0]) != .none }
  }
}

// MARK: - Payments

extension Payment {
  /// What the outputs of one transaction are to their owner, to whom all of them belong.
  init(
    _ digest: Digest, _ outputs: [StardustOutput], to owner: Address, at checkpoint: Checkpoint
  ) {
    var amount: Nanos = 0
    var counted: [StardustOutput] = []
    var isCountable = true
    var rejection: String?
    for output in outputs {
      switch output.worth {
      case .refused(let reason): rejection = rejection ?? reason
      case .money(let nanos):
        let (sum, overflows) = amount.addingReportingOverflow(nanos)
        isCountable = isCountable && !overflows
        amount = overflows ? amount : sum
        counted.append(output)
      }
    }
    if amount > 0 { rejection = nil }
    if amount == 0, rejection == nil { rejection = "the outputs hold nothing" }
    if !isCountable { rejection = "the amount in NANOS exceeds 63 bits" }
    let heard = counted.isEmpty ? outputs : counted
    let senders = Set(heard.map(\.sender))
    let payer = senders.count == 1 ? senders.first ?? nil : nil
    // Wallets repeat a memo in each output; that is still one.
    var memos: [[UInt8]] = []
    for memo in heard.compactMap(\.memoBytes) where !memos.contains(memo) { memos.append(memo) }
    self.init(
      digest: digest, payer: payer, amount: rejection == nil ? amount : 0,
      memo: Memo.read(pureInputs: memos), checkpoint: checkpoint, rejection: rejection)
    if payer == owner { markAsOwn(of: owner) }
  }

  /// Notes that the owner has signed the transaction, so that it is no payment.
  mutating func markAsOwn(of owner: Address) {
    payer = owner
    amount = 0
    rejection = "the seller's own transaction"
  }
}
