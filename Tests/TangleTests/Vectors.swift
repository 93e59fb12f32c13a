import Foundation
import HTTP
import PaywallCore
import Testing

/// The seller's side of a small history: digests, BCS and signatures are real, chain state invented.
struct Vectors {
  struct Case {
    var label: String
    var netToSeller: Int64
    var block: JSONValue
  }

  let seller: Address
  let buyer: Address
  let cases: [Case]
  let failed: Case
  let justExecuted: Case
  let emptyPages: [JSONValue]
  let errors: [JSONValue]

  init() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
    let data = try Data(
      contentsOf: folder.appending(path: "Vectors/rebased_jsonrpc_pages.json"))
    let root = try JSONDecoder().decode(JSONValue.self, from: data)
    seller = try #require(root["seller"]?.text.flatMap { Address($0) })
    buyer = try #require(root["buyer"]?.text.flatMap { Address($0) })
    cases = try (root["cases"]?.elements ?? []).map(Self.parse)
    failed = try Self.parse(#require(root["failed_transaction"]))
    justExecuted = try Self.parse(#require(root["just_executed"]))
    emptyPages = (root["empty_pages"]?.elements ?? []).compactMap { $0["response"]?["result"] }
    errors = (root["errors"]?.elements ?? []).compactMap { $0["response"]?["error"] }
    #expect(cases.count == 11 && emptyPages.count == 2 && errors.count == 3)
  }

  private static func parse(_ value: JSONValue) throws -> Case {
    Case(
      label: try #require(value["label"]?.text),
      netToSeller: try #require(value["net_to_seller"]?.text.flatMap { Int64($0) }),
      block: try #require(value["response"]))
  }
}

extension JSONValue {
  subscript(_ key: String) -> JSONValue? {
    get {
      guard case .object(let members) = self else { return nil }
      return members[key]
    }
    set {
      guard case .object(var members) = self else { return }
      members[key] = newValue
      self = .object(members)
    }
  }

  var text: String? {
    guard case .string(let text) = self else { return nil }
    return text
  }

  var elements: [JSONValue] {
    guard case .array(let elements) = self else { return [] }
    return elements
  }

  var data: Data {
    get throws { try JSONEncoder().encode(self) }
  }
}
