/// A way for the development plug to misbehave.
///
/// Written as its name, with a number of milliseconds behind a colon where it takes one:
/// `slow:1500`, `refused:2000`, `wedged`.
public enum Fault: Hashable, Sendable {
  /// Each answer comes this many milliseconds late.
  case slow(ms: Int)
  /// Every request is answered with status 500 and a page.
  case serverError
  /// Every request is answered with status 200 and a page of HTML.
  case html
  /// The answer breaks off in the middle of an element, with a Content-Length that fits.
  case truncated
  /// The connection is closed in the middle of the body that Content-Length announced.
  case cutOff
  /// The answer declares entities that would expand to gigabytes.
  case entityBomb
  /// The answer is ten megabytes long.
  case huge
  /// After switching off, the old power stays in the answer for ever, not just for a second.
  case stalePower
  /// Connections are accepted, but nothing is ever answered.
  case wedged
  /// Nothing listens on the port for this many milliseconds; nil: until the fault is taken away.
  case refused(ms: Int?)
  /// InsightParams has ten fields, without the standby threshold.
  case tenFields
  /// InsightParams has five fields.
  case fiveFields
  /// The answer is in the namespace of basicevent instead of that of metainfo.
  case wrongNamespace
  /// The power is a number that no socket can carry.
  case absurd
  /// The power is below zero.
  case negative
  /// The power is `nan`.
  case notANumber

  /// The names of all faults, as they are written.
  public static let names = [
    "slow:MS", "server-error", "html", "truncated", "cut-off", "entity-bomb", "huge",
    "stale-power", "wedged", "refused:MS", "ten-fields", "five-fields", "wrong-namespace",
    "absurd", "negative", "not-a-number",
  ]

  private static let plain: [String: Fault] = [
    "server-error": .serverError, "html": .html, "truncated": .truncated, "cut-off": .cutOff,
    "entity-bomb": .entityBomb, "huge": .huge, "stale-power": .stalePower, "wedged": .wedged,
    "ten-fields": .tenFields, "five-fields": .fiveFields, "wrong-namespace": .wrongNamespace,
    "absurd": .absurd, "negative": .negative, "not-a-number": .notANumber,
  ]

  /// Reads a fault as it is written.
  ///
  /// `refused` needs its milliseconds here: once refused, nobody could take the fault away again
  /// over the network.
  /// - Throws: when there is no such fault, or its milliseconds are missing or not 1 to 3600000.
  public init(_ text: String) throws(DevPlugError) {
    if let fault = Self.plain[text] {
      self = fault
      return
    }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let ms = Int(parts[1]), (1...3_600_000).contains(ms) else {
      throw Self.unknown(text)
    }
    switch parts[0] {
    case "slow": self = .slow(ms: ms)
    case "refused": self = .refused(ms: ms)
    default: throw Self.unknown(text)
    }
  }

  private static func unknown(_ text: String) -> DevPlugError {
    DevPlugError(
      "\"\(text.prefix(40))\" is no fault of the plug; it knows \(names.joined(separator: ", ")) "
        + "(MS is 1 to 3600000 milliseconds).")
  }

  /// The fault as it is written.
  public var name: String {
    switch self {
    case .slow(let ms): "slow:\(ms)"
    case .refused(let ms): ms.map { "refused:\($0)" } ?? "refused"
    default: Self.plain.first { $0.value == self }?.key ?? ""
    }
  }
}
