import HTTP
import PaywallCore

/// What the ledger holds, as people are shown it.
enum ShownText {
  /// A text of strangers in one line, without what a terminal would act on.
  static func line(_ text: String?) -> String {
    text.map { SafeText.line($0, maximumCount: 300) } ?? ""
  }

  /// A name in bytes, likewise.
  static func line(_ bytes: [UInt8]) -> String {
    line(String(decoding: bytes, as: UTF8.self))
  }

  /// Amounts in IOTA, exactly, with as many digits as the finest of them needs.
  static func iota(_ amounts: [UInt128]) -> [String] {
    let digits =
      amounts.map { amount in
        Amount.iota(amount).split(separator: ".").dropFirst().first?.utf8.count ?? 0
      }.max() ?? 0
    return amounts.map { Amount.iota($0, fractionCount: digits) }
  }

  /// A thousand years.
  private static let endlessMs: Int64 = 31_556_952_000_000

  /// A length of time by its two largest units: `3d 4h`, `59m 12s`, `7s`.
  static func length(ms: Int64) -> String {
    guard ms < endlessMs else { return "for ever" }
    let s = max(0, ms) / 1000
    let units = [("d", s / 86_400), ("h", s / 3600 % 24), ("m", s / 60 % 60), ("s", s % 60)]
    let shown = units.drop { $0.1 == 0 }.prefix(2).filter { $0.1 > 0 }
    return shown.isEmpty ? "0s" : shown.map { "\($0.1)\($0.0)" }.joined(separator: " ")
  }
}
