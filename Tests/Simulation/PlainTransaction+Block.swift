import Foundation
import IOTACrypto
import PaywallCore

@testable import Tangle

/// A transaction's bytes, and what a full node tells of it.
extension PlainTransaction {
  /// Whoever pays.
  static let keys = [1, 12].compactMap { PrivateKey(seed: Array(repeating: $0, count: 32)) }

  /// The memos as they are written.
  var memos: [String] {
    switch memo {
    case .none: []
    case .plain(let name, let offer): [json(["username": name, "offer": offer])]
    case .sealed(let name, let password, let offer):
      [json(["sealed": ([name, password] + (offer.map { [$0] } ?? [])).joined(separator: "\t")])]
    case .unreadable: [json(["sealed": "\u{1}\u{2}\u{3}"])]
    case .contradictory: [json(["username": "a"]), json(["username": "b"])]
    }
  }

  private func json(_ members: [String: String?]) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let data = try? encoder.encode(members.compactMapValues { $0 })
    return String(decoding: data ?? Data(), as: UTF8.self)
  }

  /// Has its bytes written and signed, which name its digest.
  ///
  /// Where nobody is known to pay, it is of a version that cannot be read, and says nothing.
  mutating func sign(number: UInt64, areMemosStrings: Bool) {
    guard let key = Self.keys.first(where: { "\($0.address)" == payer }) else {
      (memo, isPayerVerified) = (.none, false)
      raw = Base64.encode(Self.unreadableStart + digest)
      return
    }
    let inputs = memos.map { Array($0.utf8) }.map { memo in
      areMemosStrings && memo.count < 128 ? [UInt8(memo.count)] + memo : memo
    }
    let coin = ObjectReference(id: key.address, version: number, digest: Digest(.zero))
    let transaction = Transaction(
      inputs: inputs.map { .pure($0) }, commands: [], sender: key.address,
      gas: .init(payment: [coin], owner: key.address, price: 1000, budget: 5_000_000))
    // The other scheme, of a zkLogin, is one whose signatures are not looked at.
    let signature = isPayerVerified ? key.sign(transaction).serialized : [5, 1, 2, 3]
    raw = Base64.encode(SignedTransaction(transaction: transaction, signatures: [signature]).bcs)
    digest = transaction.digest.bytes
    text = transaction.digest.description
  }

  /// How a transaction begins whose version is not known here.
  private static let unreadableStart: [UInt8] = [1, 0, 0, 0, 1]

  /// Whether it is of a version that can be read.
  static func isReadable(_ block: TransactionBlock) -> Bool {
    block.rawTransaction.flatMap(Base64.decode)?.starts(with: unreadableStart) == false
  }

  /// As a full node tells it, once it has executed it.
  func block(isFinal: Bool) -> TransactionBlock {
    let gain = TransactionBlock.BalanceChange(
      owner: .address(SimulatedPlugin.address.description), coinType: "0x2::iota::IOTA",
      amount: "\(amount)")
    let status = hasFailed ? "failure" : "success"
    return TransactionBlock(
      digest: text, rawTransaction: raw,
      effects: .init(status: .init(status: status, error: nil), transactionDigest: text),
      balanceChanges: isRejected && !hasFailed ? [] : [gain],
      timestampMs: isFinal ? checkpoint.flatMap { Number($0.timeMs) } : nil,
      checkpoint: isFinal ? checkpoint.flatMap { Number($0.sequence) } : nil)
  }
}
