import HTTP

/// What a check has found: that something is well, or what is wrong and how to mend it.
struct Finding: Encodable, Hashable, Sendable {
  enum Level: String, Encodable, Sendable {
    case ok
    /// It works, and may still not be what is wanted.
    case warning
    /// Something is wrong.
    case error
  }

  /// What was looked at, for programs: `ledger-mode`.
  let check: String
  let level: Level
  /// The file or the node, without its secrets; nil where it is neither.
  let about: String?
  /// A sentence without its full stop.
  var text: String
  /// What to do about it; nil where there is nothing to do.
  let mend: String?

  /// The line for people.
  ///
  /// - Parameter hasPictures: Whether the terminal knows more than ASCII.
  /// - Returns: Mark, text and what to do.
  func line(hasPictures: Bool) -> String {
    let mark =
      switch level {
      case .ok: hasPictures ? "✓" : "ok"
      case .warning: "!"
      case .error: hasPictures ? "✗" : "x"
      }
    return "\(mark) \(text)" + (mend.map { "; \($0)" } ?? "")
  }
}

/// Findings as they are made.
struct Findings {
  private(set) var all: [Finding] = []
  private let tell: (Finding) -> Void

  /// - Parameter tell: Takes each finding at once, for whoever waits.
  init(tell: @escaping (Finding) -> Void = { _ in }) {
    self.tell = tell
  }

  /// Whether anything is wrong.
  var areBad: Bool { all.contains { $0.level == .error } }

  /// Notes that something is well.
  mutating func ok(_ check: String, _ about: String? = nil, _ text: String) {
    add(Finding(check: check, level: .ok, about: about, text: text, mend: nil))
  }

  /// Notes what may not be what is wanted.
  mutating func warn(_ check: String, _ about: String? = nil, _ text: String, mend: String) {
    add(Finding(check: check, level: .warning, about: about, text: text, mend: mend))
  }

  /// Notes what is wrong.
  mutating func fail(_ check: String, _ about: String? = nil, _ text: String, mend: String?) {
    add(Finding(check: check, level: .error, about: about, text: text, mend: mend))
  }

  private mutating func add(_ finding: Finding) {
    var finding = finding
    // Whatever stands in a file or a ledger is shown in one line.
    finding.text = SafeText.line(finding.text, maximumCount: 2000)
    all.append(finding)
    tell(finding)
  }
}
