internal import Foundation
internal import PaywallCore

/// What nodes tell differently, in words for the log; all of it is public on the tangle.
enum Dispute {
  /// What each of the nodes tells, as far as it differs; where it does not, which ones tell it.
  static func describe(_ reports: [Int: Payment], names: [String]) -> String {
    let places = reports.keys.sorted()
    let payments = places.compactMap { reports[$0] }
    let aspects = Self.aspects.filter { aspect in Set(payments.map(aspect)).count > 1 }
    let names = places.map { names.indices.contains($0) ? names[$0] : "a node" }
    guard !aspects.isEmpty else { return "told by \(names.joined(separator: " and ")) alone" }
    return zip(names, payments).map { name, payment in
      "\(name) tells \(aspects.map { $0(payment) }.joined(separator: ", "))"
    }.joined(separator: "; ")
  }

  private static let aspects: [@Sendable (Payment) -> String] = [
    { $0.rejection.map { "'no payment: \($0)'" } ?? "a payment" },
    { Amount.describe($0.amount) },
    { "from \($0.payer?.description ?? "nobody known")" },
    { $0.isPayerVerified ? "a signature that is valid" : "no signature that can be verified" },
    { $0.memo.text.map { "a memo of \($0.utf8.count) bytes" } ?? "no memo" },
    { $0.checkpoint.map { "checkpoint \($0.sequence)" } ?? "no checkpoint" },
    { $0.checkpoint.map { "time \(time($0.timeMs))" } ?? "no time" },
  ]

  private static func time(_ timeMs: Int64) -> String {
    Date(timeIntervalSince1970: Double(timeMs) / 1000).formatted(
      .iso8601.year().month().day().time(includingFractionalSeconds: true))
  }
}
