import Foundation
import Testing

extension Booth {
  /// A difference that `paywall verify` tells.
  struct Difference: Decodable, Hashable, Sendable {
    var kind: String
    var payment: String?
    var holder: String?
    var ledger: String?
    var tangle: String?
    var why: String?
    var text: String
  }

  /// What `paywall verify` says.
  struct Verified: Decodable, Sendable {
    var payments: Int
    var newer: Int
    var bought: Int
    var credits: Int
    var taken: Int
    var differenceCount: Int
    var differences: [Difference]
    var whole: Bool
    var warnings: [String]

    /// The kinds of differences, in the order in which they are told.
    var kinds: [String] { differences.map(\.kind) }
  }

  /// Runs `paywall verify`, which has to end with a code.
  func verify(_ arguments: String..., code: Int32) async throws -> Verified {
    let before = try sql("SELECT count(*), total(amount) FROM payments")
    let list = ["verify"] + arguments
    let outcome = try await run(list)
    #expect(outcome.code == code, "\(outcome.output) \(outcome.errors)")
    #expect(try sql("SELECT count(*), total(amount) FROM payments") == before)
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try #require(
      try? decoder.decode(Verified.self, from: Data(outcome.output.utf8)),
      "\(outcome.output) \(outcome.errors)")
  }
}
