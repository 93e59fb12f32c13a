internal import HTTP

/// Where a power is in a JSON text, and what its number means.
public struct PowerPlace: Hashable, Sendable {
  /// Where the number is.
  ///
  /// A text that is a number counts as one; the numbers of a list are summed up, for they are the
  /// phases of one plug.
  public var pointer: JSONPointer
  /// How many watts the number 1 means: 0.001 where the source tells milliwatts.
  public var wattsPerUnit: Double
  /// Where the unit's name is (`W`, `kW` or `mW`), which then counts instead of ``wattsPerUnit``.
  public var unitPointer: JSONPointer?
  /// A place that must hold `true`, or the number is not valid.
  public var validityPointer: JSONPointer?
  /// Where it is said whether the plug is switched on.
  public var switchPointer: JSONPointer?

  /// A place; by default the number is in watts, and there is nothing beside it.
  public init(pointer: JSONPointer, wattsPerUnit: Double = 1) {
    self.pointer = pointer
    self.wattsPerUnit = wattsPerUnit
  }

  /// Reads a power out of a text, which may as well be a bare number.
  ///
  /// - Parameters:
  ///   - bytes: The text.
  ///   - name: The source, for errors.
  ///   - atMs: When the text came.
  /// - Returns: The sample of that time.
  /// - Throws: when there is no power that can be believed.
  public func sample(
    in bytes: [UInt8], from name: String, atMs: Int64
  ) throws(PlugError) -> PowerSample {
    guard let text = JSONValue.read(bytes) else {
      let start = String(decoding: bytes.prefix(400), as: UTF8.self)
      throw PlugError(
        .unreadable,
        "\(name): its answer is no JSON: \"\(SafeText.line(start, maximumCount: 80))\".")
    }
    if let place = validityPointer, place.value(in: text) != .bool(true) {
      throw PlugError(.unreadable, "\(name) says itself that its reading is not valid.")
    }
    let number = try number(in: text, from: name)
    let watts = number * (try wattsPerUnit(in: text, from: name))
    guard let milliwatts = Self.milliwatts(watts: watts) else {
      throw PlugError(
        .implausible,
        "\(name): a power of \(number) (\(watts) W) cannot be, it must be 0 to "
          + "\(PowerSample.maximumMilliwatts / 1000) W.")
    }
    return PowerSample(milliwatts: milliwatts, state: state(in: text), takenAtMs: atMs)
  }

  /// To the nearest milliwatt; nil for what no plug can carry, or is no number.
  ///
  /// A meter without a load may show a little less than nothing; what rounds to 0 mW is 0.
  static func milliwatts(watts: Double) -> Int? {
    let rounded = (watts * 1000).rounded()
    guard rounded.isFinite, let number = Int(exactly: rounded),
      (0...PowerSample.maximumMilliwatts) ~= number
    else { return nil }
    return number
  }

  private func number(in text: JSONValue, from name: String) throws(PlugError) -> Double {
    guard let value = pointer.value(in: text) else {
      throw PlugError(.unreadable, "\(name): its answer has nothing at \"\(pointer)\".")
    }
    guard let number = Self.number(value) else {
      throw PlugError(
        .unreadable, "\(name): what its answer has at \"\(pointer)\" is no number\(shown(value)).")
    }
    return number
  }

  private static func number(_ value: JSONValue) -> Double? {
    switch value {
    case .integer(let number): return Double(number)
    case .number(let number): return number
    case .string(let text): return decimal(text)
    case .array(let values):
      let numbers = values.map { number($0) }
      // A list within the list is none of phases.
      guard !values.isEmpty, !numbers.contains(nil), !values.contains(where: \.isList) else {
        return nil
      }
      return numbers.compactMap(\.self).reduce(0, +)
    default: return nil
    }
  }

  /// A number in digits: none of the words and bases that `Double` reads beside them.
  private static func decimal(_ text: String) -> Double? {
    let isPlain = text.utf8.allSatisfy { byte in
      (UInt8(ascii: "0")...UInt8(ascii: "9")) ~= byte || "+-.eE".utf8.contains(byte)
    }
    return isPlain ? Double(text) : nil
  }

  private func wattsPerUnit(in text: JSONValue, from name: String) throws(PlugError) -> Double {
    guard let unitPointer, let value = unitPointer.value(in: text) else { return wattsPerUnit }
    guard case .string(let unit) = value, let watts = Self.units[unit] else {
      throw PlugError(
        .unreadable, "\(name): its unit must be W, kW or mW, and is another one\(shown(value)).")
    }
    return watts
  }

  private static let units = ["W": 1, "kW": 1000, "mW": 0.001]

  private func state(in text: JSONValue) -> PowerSample.State? {
    switch switchPointer?.value(in: text) {
    case .bool(let isOn): isOn ? .on : .off
    case .integer(let number): number == 1 ? .on : number == 0 ? .off : nil
    default: nil
    }
  }

  private func shown(_ value: JSONValue) -> String {
    guard case .string(let text) = value else { return "" }
    return ": \"\(SafeText.line(text, maximumCount: 40))\""
  }
}

extension JSONValue {
  fileprivate var isList: Bool { if case .array = self { true } else { false } }
}
