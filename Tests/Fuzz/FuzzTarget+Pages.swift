import Foundation
@testable import HTTP
import IOTACrypto
import PaywallCore
@testable import Tangle

extension FuzzTarget {
  static let jsonPage = FuzzTarget(name: "json-page") { bytes in
    _ = JSONValue.read(bytes)
    if let block = decoded(bytes, as: TransactionBlock.self) { try check(block) }
    for block in decoded(bytes, as: [Lenient<TransactionBlock>].self) ?? [] {
      try block.value.map(check)
    }
  }

  static let graphQLPage = FuzzTarget(name: "graphql-page") { bytes in
    if let block = decoded(bytes, as: GraphQLTransaction.self)?.block { try check(block) }
    if let page = decoded(bytes, as: GraphQLListing.self)?.page {
      for checkpoint in page.entries.compactMap(\.checkpoint) {
        try promise(checkpoint.sequence >= 0 && checkpoint.timeMs >= 0, "no checkpoint below 0")
      }
    }
  }

  static let stardustPage = FuzzTarget(name: "stardust-page") { bytes in
    _ = decoded(bytes, as: StardustNode.Info.self)
    _ = decoded(bytes, as: StardustNode.Changes.self)?.createdOutputs.map {
      StardustOutputID($0)?.description
    }
    guard let output = decoded(bytes, as: StardustOutput.self), let id = output.id else { return }
    try promise(StardustOutputID(id.description) == id, "an output's name is read as it is written")
    let payment = Payment(
      id.transaction, [output, output], to: Seeds.seller,
      at: Checkpoint(sequence: 1, timeMs: 1))
    try check(payment)
    _ = output.isUnlocked(by: Seeds.seller, atS: output.metadata.milestoneTimestampBooked)
  }

  /// As the endpoints read answers.
  private static func decoded<Value: Decodable>(_ bytes: [UInt8], as type: Value.Type) -> Value? {
    guard let depth = JSONDepth.deepest(in: bytes), depth <= 64 else { return nil }
    return try? JSONDecoder().decode(type, from: Data(bytes))
  }

  private static func check(_ block: TransactionBlock) throws {
    guard let digest = Digest(block.digest) else { return }
    guard case .clear(let payment) = block.judged(as: digest, seller: Seeds.seller) else { return }
    try check(payment)
    try promise(payment.digest == digest, "a payment bears the digest that was asked for")
    guard payment.amount > 0 else { return }
    let raw = block.rawTransaction.flatMap { Base64.decode($0) } ?? []
    let signed = try SignedTransaction(bcs: raw)
    try promise(signed.transaction.digest == digest, "what counts is what the digest names")
    try promise(signed.transaction.sender == payment.payer, "the payer is the sender of the bytes")
  }

  private static func check(_ payment: Payment) throws {
    try promise(payment.amount >= 0, "no amount is below 0")
    try promise(
      (payment.amount == 0) == (payment.rejection != nil), "what is refused is worth nothing")
  }
}

/// What inputs are about.
enum Seeds {
  static let seller = Address(Bytes32(Array(repeating: 0xab, count: 32)) ?? .zero)
  static let key = PrivateKey(seed: Array(repeating: 7, count: 32)) ?? PrivateKey()
}
