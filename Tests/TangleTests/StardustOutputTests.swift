import Foundation
import HTTP
import PaywallCore
import Testing

@testable import Tangle

/// What an output is worth, by vectors that the official SDK has made, and by hand.
struct StardustOutputTests {
  private typealias History = StardustHistory
  private let seller: Address
  private let buyer: Address

  init() throws {
    seller = try #require(History.seller)
    buyer = try #require(History.buyer)
  }

  private func decode<Value: Decodable>(_ json: JSONValue, as: Value.Type) throws -> Value {
    try JSONDecoder().decode(Value.self, from: json.data)
  }

  private func vectors() throws -> JSONValue {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
    let data = try Data(contentsOf: folder.appending(path: "Vectors/stardust_vectors.json"))
    return try JSONDecoder().decode(JSONValue.self, from: data)
  }

  private func payment(_ contents: [JSONValue]) throws -> Payment {
    let digest = try #require(History.digest(9))
    let outputs = try contents.enumerated().map { index, contents in
      StardustOutput(
        metadata: .init(
          transactionId: "0x" + Hex.encode(digest.bytes), outputIndex: UInt16(index),
          milestoneIndexBooked: 1, milestoneTimestampBooked: 7),
        output: try decode(contents, as: StardustOutput.Contents.self))
    }
    return Payment(digest, outputs, to: seller, at: Checkpoint(sequence: 1, timeMs: 7000))
  }

  @Test func `reads what a node answers`() throws {
    let vectors = try vectors()
    let response = try #require(vectors["core_api_get_output"]?["response"])
    let output = try decode(response, as: StardustOutput.self)
    #expect(output.id?.description == vectors["output_id_0"]?.text)
    let transaction = try #require(vectors["transaction_id"]?.text)
    #expect(output.id?.transaction.bytes == Hex.decode(transaction.dropFirst(2)))
    #expect(output.belongs(to: seller) && !output.belongs(to: buyer))
    #expect(output.worth == .money(1_000_000_000))
    #expect(output.sender == buyer)
    #expect(output.metadata.milestoneTimestampBooked == 1_700_000_505)
    // "johndoe" and "mqtt-pay" are no memos of ours.
    #expect(output.memoBytes == nil)
    #expect(output.spent == nil)
  }

  @Test func `money that others can take back is none`() throws {
    let outputs = try #require(try vectors()["outputs"])
    guard case .object(let named) = outputs else { throw TestProblem() }
    let refused = named.filter { $0.key.hasPrefix("NOT_A_PAYMENT") }
    #expect(refused.count == 3)
    for (name, contents) in refused {
      let payment = try payment([contents])
      #expect(payment.amount == 0 && payment.rejection != nil, "\(name)")
    }
    let reason = try #require(named["NOT_A_PAYMENT_expiration"].map { try payment([$0]).rejection })
    #expect(reason == "the output expires and then goes back")
  }

  struct TestProblem: Error {}

  @Test(
    arguments: [
      ("1", 1000 as Nanos, nil), ("9223372036854775", 9_223_372_036_854_775_000, nil),
      ("9223372036854776", 0, "the amount in NANOS exceeds 63 bits"),
      ("18446744073709551615", 0, "the amount is no integer of 63 bits"),
      ("", 0, "the amount is no integer of 63 bits"),
      ("-1", 0, "the amount is no integer of 63 bits"),
      ("1.0", 0, "the amount is no integer of 63 bits"), ("0", 0, "the outputs hold nothing"),
    ] as [(String, Nanos, String?)]) func `a base unit is 1000 NANOS`(
      amount: String, nanos: Nanos, rejection: String?
    ) throws
  {
    let payment = try payment([History.output(amount: amount)])
    #expect(payment.amount == nanos)
    #expect(payment.rejection == rejection)
    #expect(payment.payer == nil)
  }

  @Test func `outputs of one transaction are one payment`() throws {
    let memo = History.metadata(#"{"username":"johndoe"}"#)
    let features = [History.sender(), memo]
    let sum = try payment([
      History.output(amount: "3", features: features),
      History.output(amount: "4", features: features),
      History.output(amount: "5", type: 6, features: features),
      History.output(amount: "6", conditions: [["type": 2, "unixTime": 9]], features: features),
    ])
    #expect(sum.amount == 7000 && sum.rejection == nil && sum.payer == buyer)
    #expect(sum.memo.content == .plain(username: Array("johndoe".utf8), offer: nil))

    let two = try payment([
      History.output(amount: "3", features: [History.sender(), memo]),
      History.output(
        amount: "3",
        features: [History.sender(seller), History.metadata(#"{"username":"janedoe"}"#)]),
    ])
    #expect(two.payer == nil && two.amount == 6000)
    guard case .contradictory = two.memo.content else {
      Issue.record("two memos are \(two.memo.content)")
      return
    }

    let tooMuch = History.output(amount: "9223372036854775")
    let overflowing = try payment([tooMuch, tooMuch])
    #expect(overflowing.amount == 0)
    #expect(overflowing.rejection == "the amount in NANOS exceeds 63 bits")
  }

  @Test func `a memo is metadata, or else a tag`() throws {
    let john = #"{"username":"johndoe"}"#
    let jane = #"{"username":"janedoe"}"#
    for (features, expected) in [
      ([History.metadata(john), History.tag(jane)], "johndoe" as String?),
      ([History.metadata("no memo"), History.tag(jane)], "janedoe"),
      ([History.tag(jane)], "janedoe"), ([History.tag("x")], nil), ([], nil),
      // A BCS string, as on Rebased.
      ([History.metadata("\u{16}" + john)], "johndoe"),
      ([["type": 2, "data": "0xzz"]], nil), ([["type": 2]], nil),
    ] {
      let payment = try payment([History.output(amount: "1", features: features)])
      let content = expected.map { Memo.Content.plain(username: Array($0.utf8), offer: nil) }
      #expect(payment.memo.content == content ?? .none)
    }
  }

  @Test func `what the seller has sent is no payment, and an alias is nobody`() throws {
    let own = try payment([History.output(amount: "1", features: [History.sender(seller)])])
    #expect(own.rejection == "the seller's own transaction" && own.amount == 0)
    let alias: JSONValue = ["type": 0, "address": ["type": 8, "aliasId": "0x00"]]
    let payment = try payment([History.output(amount: "1", features: [alias])])
    #expect(payment.payer == nil && payment.amount == 1000)
  }

  @Test func `names of outputs are read and written`() {
    let text = "0x" + String(repeating: "ab", count: 32) + "0201"
    #expect(StardustOutputID(text)?.index == 0x0102)
    #expect(StardustOutputID(text)?.description == text)
    for bad in ["", "0x", String(text.dropLast()), text + "00", "1x" + text.dropFirst(2)] {
      #expect(StardustOutputID(bad) == nil)
    }
  }
}
