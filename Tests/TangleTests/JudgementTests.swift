import Foundation
import HTTP
import IOTACrypto
import PaywallCore
import Testing

@testable import Tangle

struct JudgementTests {
  let vectors: Vectors

  init() throws {
    vectors = try Vectors()
  }

  @Test func `judges each vector as it says`() throws {
    let rejections = [
      "8nJVb5SeDtDmdvpEpgUQPr3LZjqNt81tLJ2gRJsTu2D1": "the seller's own transaction"
    ]
    let unclear = "Ek6nLWrFiZ5qbBHmYB3udGrnrCNpHHGanwp6gAqnZNnU"
    for example in vectors.cases {
      let digest = try #require(example.block["digest"]?.text)
      switch try judge(example.block) {
      case .clear(let payment):
        #expect(digest != unclear)
        #expect(payment.digest == Digest(digest))
        #expect(payment.isPayerVerified)
        #expect(
          payment.payer
            == (example.block["transaction"]?["data"]?["sender"]?.text)
            .flatMap { Address($0) }, "\(example.label)")
        #expect(payment.checkpoint != nil)
        #expect(payment.rejection == rejections[digest], "\(example.label)")
        #expect(payment.amount == (payment.rejection == nil ? example.netToSeller : 0))
        #expect(payment.memo == .none)  // the vectors' memos are of another form
      case .unclear(let reason, let checkpoint):
        #expect(digest == unclear)
        #expect(checkpoint == 200_000_080)
        #expect(reason.contains("Failed to fetch balance changes"))
      }
    }
  }

  @Test func `rejects a failed transaction`() throws {
    let payment = try #require(try clear(vectors.failed.block))
    #expect(payment.rejection == "the transaction failed: InsufficientCoinBalance in command 0")
    #expect(payment.amount == 0)
  }

  @Test func `holds a transaction without checkpoint for pending`() throws {
    let payment = try #require(try clear(vectors.justExecuted.block))
    #expect(payment.checkpoint == nil)
    #expect(payment.amount == 500_000)
  }

  @Test(arguments: [
    "0x2::iota::IOTA", "0x02::iota::IOTA",
    "0x" + String(repeating: "0", count: 63) + "2::iota::IOTA",
  ]) func `knows IOTA in any spelling`(coinType: String) throws {
    #expect(try clear(withChanges: [(vectors.seller.description, coinType, "7")])?.amount == 7)
    // Addresses come in either case.
    let seller = "0x" + vectors.seller.description.dropFirst(2).uppercased()
    #expect(try clear(withChanges: [(seller, coinType, "7")])?.amount == 7)
  }

  @Test(arguments: [
    "0x3::iota::IOTA", "0x2::iota::iota", "0x2::iota::IOTA::", "0x2::IOTA", "", "2::iota::IOTA",
    "0x2::coin::Coin<0x2::iota::IOTA>",
  ]) func `other coins are no payment`(coinType: String) throws {
    let payment = try clear(withChanges: [(vectors.seller.description, coinType, "7")])
    #expect(payment?.rejection == "no IOTA moved to the seller")
    #expect(payment?.amount == 0)
  }

  @Test func `sums what several changes say`() throws {
    let seller = vectors.seller.description
    let changes = [(seller, "0x2::iota::IOTA", "7"), (seller, "0x2::iota::IOTA", "-2")]
    #expect(try clear(withChanges: changes)?.amount == 5)
    let loss = try clear(withChanges: [(seller, "0x2::iota::IOTA", "-2")])
    #expect(loss?.rejection == "the seller gained no IOTA")
  }

  @Test(arguments: [
    "9223372036854775808", "-9223372036854775809", "18446744073709551616", "1.5", "1e3", "+5", "",
    "-", " 5", "٥", "0x10",
  ]) func `refuses an amount that is no integer of 64 bits`(amount: String) throws {
    let changes = [(vectors.seller.description, "0x2::iota::IOTA", amount)]
    #expect(try clear(withChanges: changes) == nil)
    // What somebody else gained is of no interest.
    let others = [("0x1", "0x2::iota::IOTA", amount)]
    #expect(try clear(withChanges: others)?.rejection == "no IOTA moved to the seller")
  }

  @Test func `refuses a sum beyond 64 bits`() throws {
    let change = (vectors.seller.description, "0x2::iota::IOTA", "9223372036854775807")
    #expect(try clear(withChanges: [change])?.amount == .max)
    #expect(try clear(withChanges: [change, change]) == nil)
  }

  @Test func `owners that are no addresses gain nothing`() throws {
    let seller = vectors.seller.description
    for owner: JSONValue in [
      "Immutable", ["ObjectOwner": .string(seller)], ["Shared": ["initial_shared_version": 1]],
      ["Future": [1]],
    ] {
      #expect(try clear(withOwner: owner)?.rejection == "no IOTA moved to the seller")
    }
    for owner: JSONValue in [nil, true, 7, [], ["AddressOwner": nil], ["AddressOwner": 7]] {
      #expect(throws: DecodingError.self) { try clear(withOwner: owner) }
    }
  }

  @Test func `a node cannot put a payment into another's name`() throws {
    // The raw transaction of another payment, and one whose sender was exchanged.
    var block = vectors.cases[0].block
    block["rawTransaction"] = vectors.cases[2].block["rawTransaction"]
    #expect(try clear(block) == nil)
    let raw = try #require(
      vectors.cases[0].block["rawTransaction"]?.text.flatMap { Base64.decode($0) })
    var signed = try SignedTransaction(bcs: raw)
    signed.transaction.sender =
      Address(bytes: [UInt8](repeating: 7, count: 32)) ?? signed.transaction.sender
    block["rawTransaction"] = .string(Base64.encode(signed.bcs))
    #expect(try clear(block) == nil)
    // Even where the digest is made to fit, the signature does not.
    let digest = JSONValue.string(signed.transaction.digest.description)
    block["digest"] = digest
    block["effects"]?["transactionDigest"] = digest
    #expect(try clear(block) == nil)
  }

  @Test func `a changed bit of the raw transaction is never a clear payment`() throws {
    let raw = try #require(
      vectors.cases[3].block["rawTransaction"]?.text.flatMap { Base64.decode($0) })
    for bit in stride(from: 0, to: raw.count * 8, by: 7) {
      var changed = raw
      changed[bit / 8] ^= 1 << (bit % 8)
      var block = vectors.cases[3].block
      block["rawTransaction"] = .string(Base64.encode(changed))
      guard let payment = try clear(block) else { continue }
      // What is left: versions, kinds and schemes that are not known here.
      #expect(!payment.isPayerVerified, "bit \(bit)")
      #expect(payment.payer == nil || payment.payer == vectors.buyer, "bit \(bit)")
      #expect(payment.payer == nil || payment.memo == .none)
    }
  }

  @Test func `reads the memo from the raw transaction`() throws {
    let key = PrivateKey()
    let memo = Array(#"{"username":"johndoe"}"#.utf8)
    for input in [memo, [UInt8(memo.count)] + memo] {
      let history = History(seller: vectors.seller)
      let block = history.block(
        key, amount: 5, checkpoint: 1, pureInputs: [[1, 2, 3], input])
      let payment = try #require(try clear(block))
      #expect(payment.memo.content == .plain(username: Array("johndoe".utf8), offer: nil))
      #expect(payment.payer == key.address)
    }
  }

  @Test func `a scheme that cannot be verified is marked`() throws {
    let history = History(seller: vectors.seller)
    let key = PrivateKey()
    var signed = history.sign(key, pureInputs: [])
    signed.signatures = [[6] + [UInt8](repeating: 3, count: 97)]  // passkey
    let payment = try #require(try clear(history.block(signed, amount: 5, checkpoint: 1)))
    #expect(payment.payer == key.address)
    #expect(!payment.isPayerVerified)
    signed.signatures = []
    #expect(try clear(history.block(signed, amount: 5, checkpoint: 1)) == nil)
  }

  @Test func `the network's own transactions are no payments`() throws {
    var block = vectors.cases[0].block
    block["rawTransaction"] = .string(Base64.encode([1, 0, 0, 0, 0, 4, 1, 2, 3]))
    #expect(try clear(block)?.rejection == "a transaction of the network's own")
  }

  @Test(arguments: [
    "digest", "rawTransaction", "effects", "balanceChanges", "timestampMs", "checkpoint",
  ]) func `any value in any field is an error or a judgement, never a crash`(field: String) throws {
    let values: [JSONValue] = [
      nil, true, 0, -1, .integer(.max), .number(1.5), "", "0", "-1", "abc", "99999999999999999999",
      [], [nil], [[]], [:], ["status": nil], ["status": ["status": 7]],
      ["status": ["status": "odd"]],
      [["owner": nil]], [["owner": ["AddressOwner": 5], "coinType": "x", "amount": "1"]],
    ]
    for value in values + [nil] {
      var block = vectors.cases[0].block
      block[field] = value
      guard let decoded = try? JSONDecoder().decode(TransactionBlock.self, from: block.data) else {
        continue
      }
      let digest = try #require(Digest("ENtNs4yV8gWoSCZQunNz5VeBGs7mbkNfUKH9zvkNGKRA"))
      guard case .clear(let payment) = decoded.judged(as: digest, seller: vectors.seller) else {
        continue
      }
      let isOdd = field == "balanceChanges" && payment.rejection == "no IOTA moved to the seller"
      let isPending = field == "checkpoint" && payment.checkpoint == nil
      let isTime = field != "digest" && payment.amount == 500_000
      #expect(isOdd || isPending || isTime || field == "digest", "\(field) \(value)")
    }
  }

  private func judge(_ block: JSONValue) throws -> Judgement {
    let decoded = try JSONDecoder().decode(TransactionBlock.self, from: block.data)
    let digest = try #require(Digest(decoded.digest))
    return decoded.judged(as: digest, seller: vectors.seller)
  }

  private func clear(_ block: JSONValue) throws -> Payment? {
    guard case .clear(let payment) = try judge(block) else { return nil }
    return payment
  }

  private func clear(withOwner owner: JSONValue) throws -> Payment? {
    var block = vectors.cases[0].block
    block["balanceChanges"] = [["owner": owner, "coinType": "0x2::iota::IOTA", "amount": "7"]]
    return try clear(block)
  }

  private func clear(withChanges changes: [(String, String, String)]) throws -> Payment? {
    var block = vectors.cases[0].block
    block["balanceChanges"] = .array(
      changes.map { owner, coinType, amount in
        [
          "owner": ["AddressOwner": .string(owner)], "coinType": .string(coinType),
          "amount": .string(amount),
        ]
      })
    return try clear(block)
  }
}
