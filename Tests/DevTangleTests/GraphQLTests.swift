import Foundation
import PaywallCore
import Testing

@testable import DevTangle

/// The GraphQL of an indexer, as a client meets it.
struct GraphQLTests {
  private let peer = Peer()
  private let recipient = "0x9f8e5379678525edf768d7b507dc1ba9016fc4f0eac976ab7f74077d95fba312"
  private let listing = """
    query Some($to: IotaAddress!, $last: Int = 2, $before: String) {
      blocks: transactionBlocks(last: $last, before: $before, filter: {recvAddress: $to}) {
        ...Page  # all that follows
      }
    }
    fragment Page on TransactionBlockConnection {
      __typename
      pageInfo { hasPreviousPage, startCursor }
      edges { cursor node { ... on TransactionBlock { digest } } }
      nodes { digest bcs effects { status timestamp balanceChanges { nodes { amount } } } }
    }
    """

  @Test func `lists newest pages first, each as of its first checkpoint`() async throws {
    try await withTangle { tangle in
      let first = try await ask(tangle, listing, ["to": .string(recipient)])
      let blocks = try #require(first["data"]?["blocks"])
      #expect(blocks["__typename"] == "TransactionBlockConnection")
      #expect(blocks["pageInfo"]?["hasPreviousPage"] == true)
      let node = try #require(blocks["nodes"]?.array?.last)
      #expect(node["effects"]?["status"] == "SUCCESS")
      #expect(node["effects"]?["timestamp"] == "2026-11-21T22:26:40Z")
      #expect(node["effects"]?["balanceChanges"]?["nodes"]?.array?.count == 2)
      // What comes later is not on the pages that the cursor leads to.
      try await tangle.fund(try #require(Address(recipient)))
      await tangle.makeCheckpoint()
      let cursor = try #require(blocks["pageInfo"]?["startCursor"])
      let rest = try await ask(tangle, listing, ["to": .string(recipient), "before": cursor])
      #expect(rest["data"]?["blocks"]?["pageInfo"]?["hasPreviousPage"] == false)
      let digests = [rest, first].flatMap { answer in
        (answer["data"]?["blocks"]?["edges"]?.array ?? []).compactMap { $0["node"]?["digest"] }
      }
      #expect(digests.count == 4 && Set(digests).count == 4)
    }
  }

  @Test func `a cursor that names nothing gets an empty page`() async throws {
    try await withTangle { tangle in
      let cursor = Data(#"{"c":1,"t":99,"i":false}"#.utf8).base64EncodedString()
      let page = try await ask(
        tangle, listing, ["to": .string(recipient), "before": .string(cursor)])
      #expect(page["data"]?["blocks"]?["nodes"] == [])
      #expect(page["data"]?["blocks"]?["pageInfo"]?["hasPreviousPage"] == false)
      try await tangle.setFaults([Fault(.pruned, value: 1)])
      let pruned = try await ask(tangle, listing, ["to": .string(recipient)])
      #expect(pruned["data"]?["blocks"]?["nodes"]?.array?.count == 1)
    }
  }

  @Test func `what is in no checkpoint is not listed`() async throws {
    try await withTangle { tangle in
      let digest = try await tangle.fund(try #require(Address(recipient)))
      let query = #"{ transactionBlock(digest: "\#(digest)") { digest } }"#
      #expect(try await ask(tangle, query)["data"]?["transactionBlock"] == JSON.null)
      await tangle.makeCheckpoint()
      #expect(
        try await ask(tangle, query)["data"]?["transactionBlock"]?["digest"] == .text(digest))
    }
  }

  @Test(arguments: [
    ("{ chainIdentifier", "Unexpected end"), ("{ nothing }", "Unknown field \"nothing\""),
    ("{ checkpoint }", "Select fields of Checkpoint"), ("mutation { x }", "Unexpected"),
    ("{ chainIdentifier } { chainIdentifier }", "one operation"), ("", "holds no query"),
    ("query Q($a: Int!) { chainIdentifier }", "$a is not given"),
    ("{ transactionBlocks(first: 51) { nodes { digest } } }", "exceeds max of 50"),
    ("{ transactionBlocks(first: 1, last: 1) { nodes { digest } } }", "must not be used together"),
    ("{ transactionBlocks(before: \"x\") { nodes { digest } } }", "Invalid cursor"),
    ("{ transactionBlocks(filter: {odd: 1}) { nodes { digest } } }", "filter.odd"),
    ("{ ...F } fragment F on Query { ...F }", "cycle"), ("{ ...F }", "not found"),
    ("{ checkpoint @include(if: true) { digest } }", "Unexpected"),
    (String(repeating: "{ a ", count: 1000), "nesting is over 20"),
    ("{ a }" + String(repeating: " ", count: 5000), "too large"),
  ]) func `refuses with status 200 and says why`(query: String, reason: String) async throws {
    try await withTangle { tangle in
      let answer = try await ask(tangle, query)
      #expect(answer["data"] == JSON.null)
      let message = answer["errors"]?.array?.first?["message"]?.string
      #expect(message?.contains(reason) == true, "\(message ?? "")")
    }
  }

  @Test func `misbehaves as it is told`() async throws {
    try await withTangle { tangle in
      let honest = try await ask(tangle, listing, ["to": .string(recipient)])
      try await tangle.setFaults([Fault(.duplicate), Fault(.nullCursor)])
      var page = try await ask(tangle, listing, ["to": .string(recipient)])
      #expect(page["data"]?["blocks"]?["nodes"]?.array?.count == 4)
      #expect(page["data"]?["blocks"]?["pageInfo"]?["startCursor"] == JSON.null)

      try await tangle.setFaults([Fault(.missingBalanceChanges, method: "transactionBlocks")])
      page = try await ask(tangle, listing, ["to": .string(recipient)])
      #expect(page["data"]?["blocks"]?["nodes"]?.array?.first?["effects"] == JSON.null)
      #expect(
        page["errors"]?.array?.first?["path"] == ["blocks", "nodes", 0, "effects"])

      try await tangle.setFaults([Fault(.timeSkew, value: -250)])
      page = try await ask(tangle, listing, ["to": .string(recipient)])
      #expect(
        page["data"]?["blocks"]?["nodes"]?.array?.first?["effects"]?["timestamp"]
          == "2026-11-21T22:26:39.750Z")

      try await tangle.setFaults([Fault(.wrongNetwork), Fault(.slow, method: "other")])
      let network = try await ask(tangle, "{ chainIdentifier }")["data"]?["chainIdentifier"]
      #expect(network?.string?.count == 8 && network != .string(tangle.chainIdentifier))

      try await tangle.setFaults([Fault(.tooManyRequests, count: 1)])
      let query = #"{"query":"{ chainIdentifier }"}"#
      #expect(try await peer.send(tangle.graphQLURL, query).status == 429)
      let after = try await ask(tangle, listing, ["to": .string(recipient)])
      #expect(after == honest)
    }
  }

  private func ask(
    _ tangle: DevTangle, _ query: String, _ variables: [String: JSON] = [:]
  ) async throws -> JSON {
    let body: JSON = ["query": .string(query), "variables": .object(variables)]
    let answer = try await peer.send(
      tangle.graphQLURL, String(decoding: try body.data, as: UTF8.self))
    #expect(answer.status == 200)
    return try answer.json
  }

  /// A tangle with four transactions in one checkpoint.
  private func withTangle(_ body: (DevTangle) async throws -> Void) async throws {
    var options = DevTangle.Options()
    options.checkpointMs = nil
    options.nowMs = { 1_795_300_000_000 }
    let tangle = try await DevTangle.start(options)
    do {
      let recipient = try #require(Address(recipient))
      for _ in 0..<4 { try await tangle.fund(recipient) }
      await tangle.makeCheckpoint()
      try await body(tangle)
    } catch {
      await tangle.stop()
      throw error
    }
    await tangle.stop()
  }
}
