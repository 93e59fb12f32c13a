import IOTACrypto
import PaywallCore
import Testing

@testable import DevTangle

/// What IOTA's official SDK 3.0.0b1 made of the same values.
struct DigestTests {
  let ascending = Array(0..<UInt8(32))

  @Test func `a coin has the bytes and the digest of a real object`() throws {
    let coin = Coin(
      id: try #require(Address(bytes: ascending)), version: 5,
      owner: try #require(Address(bytes: [UInt8](repeating: 0x11, count: 32))), balance: 123_456,
      previousTransaction: try #require(Digest(bytes: [UInt8](repeating: 0x22, count: 32))))
    #expect(
      Hex.encode(coin.bcs)
        == "0001050000000000000028" + Hex.encode(ascending) + "40e2010000000000" + "00"
        + String(repeating: "11", count: 32) + "20" + String(repeating: "22", count: 32)
        + "b0f50e0000000000")
    #expect(coin.digest.description == "29a3C8cknn7LLWQnHzY6RyGfyT9TffbuKsTT5jcjXq7M")
  }

  @Test(arguments: [
    (0, "0xa9a7dcd5559972c1f9b77a424cb2ce63cdd87f3a33b0363d4521a1340ed31164"),
    (1, "0xe31d2d5210ef4caac2ebe30b2d3c6be82ae568f1308db25296aac58460c1da0e"),
    (7, "0x8ed0605189df8c9a7532bdf2ca8d5287d20c5b569e30219263b04bccab9b23bd"),
  ])
  func `a new object has the id of a real one`(number: UInt64, id: String) throws {
    let digest = try #require(Digest(bytes: ascending))
    #expect(Address.objectID(createdBy: digest, number: number).description == id)
  }

  @Test(arguments: [
    (nil, "EqMkL1eP9vGGWgodtq8rFm7r5RYCRXs5w3mBd913JJ8f"),
    (UInt8(0x44), "5syy7V8ZaJMHHLAo7m3fiinLPH4Yqr8prV5inXbAFmDR"),
  ])
  func `a checkpoint summary has the digest of a real one`(previous: UInt8?, digest: String) throws
  {
    let summary = Checkpoint.summary(
      epoch: 9, sequenceNumber: 8, timestampMs: 1_795_300_000_250,
      previousDigest: previous.flatMap { Digest(bytes: [UInt8](repeating: $0, count: 32)) },
      networkTotalTransactions: 7,
      contentsDigest: try #require(Digest(bytes: [UInt8](repeating: 0x33, count: 32))),
      gas: Gas.Used(computation: 1, burned: 2, storage: 3, rebate: 4), nonRefundable: 5)
    #expect(Digest(hashing: summary, as: "CheckpointSummary").description == digest)
  }

  @Test func `a deleted object's digest is the one that explorers show`() {
    #expect(
      Digest.deletedObject.description == "7gyGAp71YXQRoxmFBaHxofQXAipvgHyBKPyxmdSJxyvz")
  }
}
