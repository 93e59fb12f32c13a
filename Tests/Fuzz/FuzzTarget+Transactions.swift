@testable import IOTACrypto
@testable import PaywallCore
@testable import Tangle

extension FuzzTarget {
  static let bcs = FuzzTarget(name: "bcs") { bytes in
    if let transaction = try? Transaction(bcs: bytes) {
      try promise(transaction.bcs == bytes, "a transaction is written as it was read")
      let digest = Digest(Blake2b.hash(Array("TransactionData::".utf8) + bytes))
      try promise(transaction.digest == digest, "the digest is the hash of the bytes")
    }
    if let signed = try? SignedTransaction(bcs: bytes) {
      try promise(signed.bcs == bytes, "a signed transaction is written as it was read")
      _ = signed.verdict
    }
  }

  static let memo = FuzzTarget(name: "memo") { bytes in
    let memo = Memo.read(pureInputs: [bytes])
    try promise(
      (memo.text == nil) == (memo.content == .none), "a memo has a text, none has not")
    if JSONObject.members(of: bytes[...]) != nil, bytes.count < 1 << 14 {
      var writer = BCSWriter()
      writer.byteVector(bytes)
      try promise(
        Memo.read(pureInputs: [writer.bytes]) == memo, "a memo says the same as a BCS string")
    }
    if case .sealed(let box) = memo.content { _ = Self.master?.open(box) }
    let block = paid(with: bytes)
    guard let digest = Digest(block.digest),
      case .clear(let payment) = block.judged(as: digest, seller: Seeds.seller)
    else { throw BrokenFuzzPromise(description: "no memo makes a payment unclear") }
    try promise(
      payment.amount == 500_000 && payment.rejection == nil && payment.memo == memo,
      "no memo loses the payment")
  }

  static let sealed = FuzzTarget(name: "sealed") { bytes in
    guard let master = Self.master, let id = MemoKey.ID(Array(repeating: 1, count: 16)) else {
      throw BrokenFuzzPromise(description: "there is a key")
    }
    try promise(master.open(bytes) == nil, "nobody makes a box without the key")
    _ = master.open(Array(Base64URL.encode(id.bytes + bytes).utf8))
    guard bytes.count < 4096 else { return }
    let login = BuyerLogin(json: bytes)
    let box = master.memoKey(id: id).seal(bytes).map { Array($0.utf8) } ?? []
    let claim = master.open(box)
    try promise(claim?.name == login?.name, "a box holds the name that was put into it")
    try promise(claim?.offer == login?.offer, "a box holds the offer that was put into it")
    guard let place = bytes.indices.last else { return }
    var changed = box
    changed[place] ^= 1
    try promise(master.open(changed) == nil, "a box that was changed is not opened")
  }

  static let signature = FuzzTarget(name: "signature") { bytes in
    if let signature = try? UserSignature(serialized: bytes) {
      _ = signature.isValid(for: .zero)
      if case .plain(let plain) = signature {
        try promise(plain.serialized == bytes, "a signature is written as it was read")
      }
    }
    let parts = bytes.split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
    guard parts.count == 3 else { return }
    let verdict = WalletLogin.verify(username: parts[0], password: parts[1], realm: parts[2])
    guard case .valid(let address, _) = verdict else { return }
    try promise(Address(parts[0]) == address, "a login is of the address that is its name")
  }

  private static let master = MasterKey(Array(repeating: 9, count: 32))

  /// A node's answer about a payment of 500,000 NANOS with a pure input of these bytes.
  private static func paid(with bytes: [UInt8]) -> TransactionBlock {
    let sender = Seeds.key.address
    let transaction = Transaction(
      inputs: [.pure(bytes)], commands: [], sender: sender,
      gas: Transaction.GasData(payment: [], owner: sender, price: 1000, budget: 5_000_000))
    let signed = SignedTransaction(
      transaction: transaction, signatures: [Seeds.key.sign(transaction).serialized])
    let change = TransactionBlock.BalanceChange(
      owner: .address(Seeds.seller.description), coinType: "0x2::iota::IOTA", amount: "500000")
    return TransactionBlock(
      digest: transaction.digest.description, rawTransaction: Base64.encode(signed.bcs),
      effects: TransactionBlock.Effects(status: .init(status: "success")),
      balanceChanges: [change], timestampMs: Number(1_795_300_000_000), checkpoint: Number(1))
  }
}
