/// An amount of IOTA in its smallest unit, the NANOS: 1 IOTA = 10⁹ NANOS.
///
/// The whole supply, below 5 × 10¹⁸, fits an Int64; amounts beyond it are refused where they are
/// read.
public typealias Nanos = Int64

/// Amounts as people write them: an exact decimal and a unit.
public enum Amount {
  /// The units, by their names in lower case, as powers of ten of NANOS.
  ///
  /// `i` is the base unit of IOTA before 2021; at the migrations 1 Mi became 1 IOTA.
  private static let exponents: [(unit: String, exponent: Int)] = [
    ("iota", 9), ("nanos", 0), ("nano", 0), ("i", 3),
  ]

  /// Reads `0.0005 IOTA`, `500000 nanos` or `500 i`.
  ///
  /// - Throws: `AmountError` for anything else, for less than a NANOS, or for more than there is.
  public static func parse(_ text: String) throws(AmountError) -> Nanos {
    let parts = text.split(separator: " ", omittingEmptySubsequences: true)
    guard parts.count == 2 else { throw AmountError(text: text, problem: .form) }
    let unit = parts[1].lowercased()
    guard let exponent = exponents.first(where: { $0.unit == unit })?.exponent else {
      throw AmountError(text: text, problem: .unit)
    }
    return try decimal(parts[0], exponent: exponent, of: text)
  }

  /// The amount in IOTA, exactly and without trailing zeros: `0.0005 IOTA`.
  public static func describe(_ nanos: Nanos) -> String {
    let whole = nanos.magnitude / 1_000_000_000
    let fraction = String(nanos.magnitude % 1_000_000_000 + 1_000_000_000).dropFirst()
    let digits = fraction.reversed().drop { $0 == "0" }.reversed()
    let sign = nanos < 0 ? "-" : ""
    return "\(sign)\(whole)\(digits.isEmpty ? "" : "." + String(digits)) IOTA"
  }

  /// A sum of amounts as an exact decimal number of IOTA, without the unit: `0.0005`.
  ///
  /// - Parameters:
  ///   - nanos: The sum, which may exceed what there is at one time.
  ///   - fractionCount: At least so many digits after the point, so that numbers stand below each
  ///     other; at most 9.
  /// - Returns: The number.
  public static func iota(_ nanos: UInt128, fractionCount: Int = 0) -> String {
    let (whole, rest) = nanos.quotientAndRemainder(dividingBy: 1_000_000_000)
    var digits = Array(String(rest + 1_000_000_000).utf8.dropFirst())
    while digits.count > max(0, fractionCount), digits.last == UInt8(ascii: "0") {
      digits.removeLast()
    }
    return digits.isEmpty ? "\(whole)" : "\(whole).\(String(decoding: digits, as: UTF8.self))"
  }

  private static func decimal(
    _ number: Substring, exponent: Int, of text: String
  ) throws(AmountError) -> Nanos {
    let parts = number.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    let fraction = parts.count == 2 ? parts[1] : ""
    let isDigits = { (digits: Substring) in digits.utf8.allSatisfy { (48...57).contains($0) } }
    guard !parts[0].isEmpty, parts.count == 1 || !fraction.isEmpty, isDigits(parts[0]),
      isDigits(fraction)
    else { throw AmountError(text: text, problem: .form) }

    let significant = fraction.reversed().drop { $0 == "0" }
    guard significant.count <= exponent else { throw AmountError(text: text, problem: .fraction) }
    let padded =
      parts[0] + String(significant.reversed())
      + String(repeating: "0", count: exponent - significant.count)
    guard let nanos = Nanos(padded) else { throw AmountError(text: text, problem: .range) }
    return nanos
  }
}

/// Why a text is no amount.
public struct AmountError: Error, Hashable, CustomStringConvertible {
  enum Problem {
    case form, unit, fraction, range
  }

  /// The text that was read.
  public let text: String
  let problem: Problem

  /// One sentence that says what to write instead.
  public var description: String {
    switch problem {
    case .form:
      "'\(text)' is no amount: write a number and a unit, as in '0.0005 IOTA' or '500000 nanos'"
    case .unit:
      "'\(text)' has an unknown unit: use IOTA, nanos or i (1 i = 1000 nanos)"
    case .fraction:
      "'\(text)' is finer than 1 nanos, the smallest amount there is"
    case .range:
      "'\(text)' is more than there is: the largest amount is \(Nanos.max) nanos"
    }
  }
}
