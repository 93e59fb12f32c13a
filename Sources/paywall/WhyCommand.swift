import Access
import ArgumentParser
import Configuration
import Ledger
import PaywallCore

/// `paywall why`: the rule that decides, in words, and what would change it.
struct WhyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "why",
    abstract: "Say why a client may or may not read a topic, and publish to it.",
    discussion: """
      Asks the rules of the broker, with what paywall.toml and the ledger say now, and tells which of \
      them decides and what would change that: a payment, a grant, another login. What is changed in \
      paywall.toml counts for the broker once it has read that again (systemctl reload mosquitto). \
      Both files are read, also with --ledger. "Now" is by this machine's clock.

      Exit codes: 0 allowed; 1 denied, or the question cannot be answered (then nothing is written \
      to the standard output); 3 left to the broker's other rules; 64 wrong usage. They are about \
      reading, with --publish about publishing. Piped, a JSON object: account, topic, remarks, and \
      for read and publish decision (allow, deny or defer), rule, because and changes.
      """)

  @Argument(
    help: ArgumentHelp(
      "The client's name inside the broker: NAME, buyer:NAME, or a wallet's 0x…; '' for a client "
        + "without a name.", valueName: "user"))
  var user: String

  @Argument(help: "The topic, without wildcards.")
  var topic: String

  @Flag(help: "Tell about publishing alone.")
  var publish = false

  @OptionGroup var ledger: LedgerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    let hasWildcards = topic.contains("+") || topic.contains("#")
    guard TopicFilter(topic) != nil, !hasWildcards, !topic.hasPrefix("$share/") else {
      throw ValidationError(
        "'\(topic)' is no topic: name one that is published to, without +, # and $share.")
    }
    guard !user.utf8.contains(0) else { throw ValidationError("No client's name holds a NUL.") }
  }

  func run() throws {
    let answer = try answer(nowMs: Moment.nowMs)
    try output.write(answer, lines: answer.lines)
    if answer.exitCode != 0 { throw ExitCode(answer.exitCode) }
  }

  /// A decision, and why it is made.
  struct Verdict: Encodable {
    let decision: String
    let rule: String
    let because: String
    let changes: [String]

    fileprivate init(
      _ decision: Decision, _ words: (rule: String, sentence: String), _ changes: [String]
    ) {
      self.decision =
        switch decision {
        case .allow: "allow"
        case .deny: "deny"
        case .defer: "defer"
        }
      rule = words.rule
      because = words.sentence
      self.changes = changes
    }
  }

  /// What the rules say.
  struct Answer: Encodable {
    /// Nil for a client without a name.
    let account: String?
    let topic: String
    let read: Verdict?
    let publish: Verdict
    let remarks: [String]

    var exitCode: Int32 {
      switch (read ?? publish).decision {
      case "allow": 0
      case "deny": 1
      default: 3
      }
    }

    var lines: [String] {
      let client = account.map { ShownText.line($0) } ?? "A client without a name"
      let topic = ShownText.line(topic)
      func words(_ verdict: Verdict, _ what: String) -> [String] {
        let says =
          switch verdict.decision {
          case "allow": "\(client) may \(what) \(topic)."
          case "deny": "\(client) may not \(what) \(topic)."
          default: "Whether \(client) may \(what) \(topic) is not the paywall's to say."
          }
        let changes = verdict.changes.map { "    - \($0)" }
        return [says, "  \(verdict.because)"]
          + (changes.isEmpty ? [] : ["  What would change that, one of:"] + changes)
      }
      return (read.map { words($0, "read") } ?? []) + words(publish, "publish to")
        + remarks.map { "Note: \($0)" }
    }
  }

  func answer(nowMs: Int64) throws -> Answer {
    let configuration = try ledger.configuration()
    let reader = try LedgerReader(path: ledger.ledger ?? configuration.ledger)
    func question(_ username: Username?) throws -> Why {
      try Why(
        configuration: configuration,
        situation: reader.situation(of: username, nowMs: nowMs), username: username,
        topic: Array(topic.utf8), nowMs: nowMs)
    }
    let why = try question(username)
    let other = try why.account?.namesake.map { try question($0.username) }
    let read = publish ? nil : Verdict(why.read, why.readWords, why.readAdvice(other: other))
    return Answer(
      account: username.map { String(decoding: $0, as: UTF8.self) }, topic: topic, read: read,
      publish: Verdict(why.write, why.writeWords, why.writeAdvice), remarks: why.remarks)
  }

  /// The name inside the broker, where a wallet's is written in small letters.
  private var username: Username? {
    guard !user.isEmpty else { return nil }
    return Account(username: user)?.username ?? Array(user.utf8)
  }
}

extension Account {
  /// Whom a client may be meant to be that is called so: the buyer of the name, or the broker's
  /// account of the name.
  fileprivate var namesake: Account? {
    switch self {
    case .broker(let name): .buyer(name)
    case .buyer(let name): .broker(name)
    case .wallet: nil
    }
  }
}
