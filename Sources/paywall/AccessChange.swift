import Foundation
import Ledger
import PaywallCore

/// What `grant` and `revoke` answer: the new row, and what is in force afterwards.
struct AccessChange: Encodable {
  struct Period: Encodable {
    let from: String
    let until: String

    init(_ span: Span) {
      from = Moment.describe(ms: span.startsAtMs)
      until = Moment.describe(ms: span.endsAtMs)
    }
  }

  /// How far before now a change begins, in milliseconds.
  ///
  /// The broker's clock is the tangle's, which may be behind this machine's; what begins a little
  /// early holds at once all the same.
  static let leadMs: Int64 = 10_000

  let account: String
  let offer: String
  let row: Int64
  let from: String
  let until: String
  let access: [Period]
  let revokedBy: [Int64]

  init(_ holder: HolderArguments, _ written: AdminLedger.Written) {
    account = holder.account.description
    offer = holder.offer.description
    row = written.row
    from = Moment.describe(ms: written.span.startsAtMs)
    until = Moment.describe(ms: written.span.endsAtMs)
    access = written.access.map { Period($0) }
    revokedBy = written.revocations
  }

  /// The same for people.
  func lines(_ verb: String) -> [String] {
    var lines = ["\(verb) until \(until) (grants row \(row)); the broker knows within a second."]
    if access.isEmpty {
      lines.append("\(account) has no access to '\(offer)' now or later.")
    } else {
      lines.append("\(account) may read '\(offer)':")
      lines.append("  " + "FROM".padding(toLength: 26, withPad: " ", startingAt: 0) + "UNTIL")
      lines += access.map { "  \($0.from)  \($0.until)" }
    }
    if !revokedBy.isEmpty {
      let rows = revokedBy.map(String.init).joined(separator: ", ")
      lines.append(
        "A part is revoked, whatever is granted, by grants row \(rows); deleting it there lifts it."
      )
    }
    return lines
  }
}
