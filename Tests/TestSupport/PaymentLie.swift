import Foundation

/// What a relay tells of payments otherwise than the node behind it.
public enum PaymentLie: Sendable, CaseIterable {
  /// A thousand times as much.
  case moreMoney
  /// Another time, an hour later.
  case laterTime
  /// Success of what failed, and the other way round.
  case otherStatus
  /// Nothing was paid.
  case hidden

  /// An answer with the lie in it.
  func told(of answer: [UInt8]) -> [UInt8] {
    let text = String(decoding: answer, as: UTF8.self)
    let lie =
      switch self {
      case .moreMoney: text.replacing(/"amount":"(\d+)"/) { "\"amount\":\"\($0.1)000\"" }
      case .laterTime:
        text.replacing(/"timestampMs":"(\d+)"/) {
          "\"timestampMs\":\"\((Int64($0.1) ?? 0) + 3_600_000)\""
        }
      case .otherStatus:
        text.replacing(/"status":"(success|failure)"/) {
          "\"status\":\"\($0.1 == "success" ? "failure" : "success")\""
        }
      case .hidden: text.replacing(/"data":\[.*?\]/) { _ in "\"data\":[]" }
      }
    return Array(lie.utf8)
  }
}
