internal import HTTP
internal import IOTACrypto
internal import PaywallCore

/// The questions that payments need, in the REST of a Stardust node: core API v2 and indexer.
///
/// Source: iotaledger/tips, TIP-25 and TIP-26; iotaledger/hornet, components/coreapi/types.go.
struct StardustNode {
  let endpoint: RESTEndpoint

  /// What the node says about itself and the network.
  struct Info: Decodable {
    struct Milestone: Decodable {
      var index: UInt32
      /// Missing where the node has started and not received a milestone yet.
      var timestamp: UInt32?
    }

    struct Status: Decodable {
      var isHealthy: Bool
      var confirmedMilestone: Milestone
      /// Milestones up to this one are forgotten.
      var pruningIndex: UInt32
    }

    struct NetworkProtocol: Decodable {
      var networkName: String
      var bech32Hrp: String
    }

    var status: Status
    var `protocol`: NetworkProtocol

    var newest: Int64 { Int64(status.confirmedMilestone.index) }
    var pruned: Int64 { Int64(status.pruningIndex) }
  }

  /// What a milestone changed in the ledger.
  struct Changes: Decodable {
    var index: UInt32
    var createdOutputs: [String]
    var consumedOutputs: [String]
  }

  func info() throws(RESTError) -> Info {
    try endpoint.get("/api/core/v2/info", as: Info.self)
  }

  func changes(at milestone: Int64) throws(RESTError) -> Changes {
    try endpoint.get(
      "/api/core/v2/milestones/by-index/\(milestone)/utxo-changes", as: Changes.self)
  }

  /// A milestone's time in Unix seconds.
  func time(of milestone: Int64) throws(RESTError) -> Int64 {
    struct Answer: Decodable {
      var timestamp: UInt32
    }
    let answer = try endpoint.get(
      "/api/core/v2/milestones/by-index/\(milestone)", as: Answer.self)
    return Int64(answer.timestamp)
  }

  func output(_ id: StardustOutputID) throws(RESTError) -> StardustOutput {
    try endpoint.get("/api/core/v2/outputs/\(id)", as: StardustOutput.self)
  }

  /// The unspent basic outputs of an address, oldest first, by pages of the indexer's; nil where the
  /// prefix is none that addresses can have.
  func unspentOutputs(
    of address: Address, prefix: String, after timeS: Int64
  ) throws(RESTError) -> [StardustOutputID]? {
    // What a node makes up must not spoil the URL.
    guard StardustIndexerPage.isPlain(prefix) else { return nil }
    let text = Bech32.encode(prefix: prefix.lowercased(), [StardustOutput.ed25519] + address.bytes)
    return try StardustIndexerPage.allOutputs { (cursor) throws(RESTError) in
      var query = [("address", text), ("createdAfter", "\(timeS)"), ("pageSize", "1000")]
      if let cursor { query.append(("cursor", cursor)) }
      return try endpoint.get(
        "/api/indexer/v1/outputs/basic", query: query.map { (name: $0.0, value: $0.1) },
        as: StardustIndexerPage.self)
    }
  }
}

/// An output's name: its transaction, and its place there.
struct StardustOutputID: Hashable, CustomStringConvertible {
  let transaction: Digest
  let index: UInt16

  /// Reads `0x` and 68 hexadecimal digits: the transaction's id and a little-endian number.
  init?(_ text: String) {
    guard text.hasPrefix("0x"), let bytes = Hex.decode(text.dropFirst(2)), bytes.count == 34,
      let transaction = Digest(bytes: bytes.prefix(32))
    else { return nil }
    self.transaction = transaction
    index = UInt16(bytes[32]) | UInt16(bytes[33]) << 8
  }

  /// `0x` and 68 hexadecimal digits.
  var description: String {
    "0x" + Hex.encode(transaction.bytes + [UInt8(index & 0xff), UInt8(index >> 8)])
  }
}
