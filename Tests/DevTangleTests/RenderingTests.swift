import Foundation
import IOTACrypto
import Testing

@testable import DevTangle

/// The pages in `Tests/Vectors` hold real transactions beside the JSON of a full node.
struct RenderingTests {
  private static func responses() throws -> [JSON] {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../Vectors/rebased_jsonrpc_pages.json")
    let pages = try JSON(parsing: try Data(contentsOf: file))
    let cases =
      try #require(pages["cases"]?.array) + [
        try #require(pages["failed_transaction"]), try #require(pages["just_executed"]),
      ]
    return try cases.map { try #require($0["response"]) }
  }

  private func executed(_ signed: SignedTransaction) -> ExecutedTransaction {
    ExecutedTransaction(
      signed: signed, digest: signed.transaction.digest, failure: nil, epoch: 566, executedAtMs: 0,
      gas: Gas.Used(
        computation: 1_000_000, burned: 1_000_000, storage: 1_960_800, rebate: 980_400),
      version: 4_701, before: [], written: [])
  }

  @Test func `signed transactions are shown as full nodes show them`() throws {
    let responses = try Self.responses()
    #expect(responses.count == 13)
    for response in responses {
      let raw = try #require(response["rawTransaction"]?.string)
      let signed = try SignedTransaction(bcs: try #require(Base64.decode(raw)))
      let executed = executed(signed)
      #expect(executed.inputJSON == response["transaction"])
      #expect(executed.rawJSON == response["rawTransaction"])
      #expect(JSON.text(executed.digest) == response["digest"])
      #expect(signed.verdict == .valid)
    }
  }

  /// The network's state is invented in the vectors, so the forms are compared, not the values.
  @Test func `effects and balance changes have the form that full nodes give them`() throws {
    let response = try #require(try Self.responses().first)
    var world = World()
    let executed = try world.execute(world.payment(500_000))
    for (ours, theirs) in [
      (executed.effectsJSON, response["effects"]),
      (executed.balanceChangesJSON, response["balanceChanges"]),
    ] {
      #expect(form(of: ours) == form(of: try #require(theirs)))
    }
    #expect(executed.effectsJSON["gasUsed"] == response["effects"]?["gasUsed"])
    #expect(executed.effectsJSON["status"] == response["effects"]?["status"])
  }

  @Test func `the effects of a failure have that form too`() throws {
    let response = try #require(try Self.responses().dropLast().last)
    var world = World()
    let executed = try world.execute(world.payment(100 * World.iota))
    #expect(form(of: executed.effectsJSON) == form(of: try #require(response["effects"])))
    #expect(executed.effectsJSON["gasUsed"] == response["effects"]?["gasUsed"])
    #expect(executed.effectsJSON["status"] == response["effects"]?["status"])
    #expect(
      executed.balanceChangesJSON
        == JSON.array([
          [
            "owner": ["AddressOwner": .text(world.buyer.address)], "coinType": "0x2::iota::IOTA",
            "amount": "-1000000",
          ]
        ]))
  }

  /// The value with every text and number replaced by its kind.
  private func form(of json: JSON) -> JSON {
    switch json {
    case .string(let text): .string(Int64(text) == nil ? "text" : "number as text")
    case .int: "number"
    case .array(let elements): .array(elements.map(form))
    case .object(let fields): .object(fields.mapValues(form))
    case .null, .bool: json
    }
  }

  @Test func `a used input that is not of its type is shown as bytes`() {
    let transaction = World().transaction(
      [.pure([1, 2]), .pure([3]), .pure([9, 9])],
      [
        .splitCoins(.gas, amounts: [.input(0)]), .transferObjects([.result(0)], to: .input(1)),
        .utf8(.input(2)),
      ])
    let bytes: [JSON] = [[1, 2], [3], [9, 9]]
    #expect(
      transaction.inputsJSON == bytes.map { ["type": "pure", "valueType": nil, "value": $0] })
  }
}
