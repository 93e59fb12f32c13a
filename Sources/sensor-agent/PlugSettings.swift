/// What to read, how often, and where it goes.
struct PlugSettings: Equatable {
  enum Average: String, CaseIterable {
    /// The time-weighted mean of the last minute.
    case mean
    /// The exponential mean of the 2017 article.
    case ema
  }

  enum Unit: String, CaseIterable {
    case milliwatts = "mW"
    case watts = "W"
  }

  enum Format: String, CaseIterable {
    /// The bare number.
    case number
    /// An object with the unit, the time and more.
    case json
  }

  /// Nil: the only plug.
  var name: String?
  /// Nil: none given.
  var source: SourceSettings?
  var intervalMs = 500
  /// Without a good reading for this long, the status is offline.
  var silenceMs = 5000
  var average = Average.mean
  var unit = Unit.milliwatts
  var format = Format.number
  /// After how many seconds a broker drops a live value that it could not deliver; 0: never.
  var expiryS = 5
  /// Whether Home Assistant is told about the plug.
  var announcesToHomeAssistant = false
  /// Nil: by the name.
  var givenLiveTopic: String?
  var givenAverageTopic: String?
  var givenStatusTopic: String?

  static let intervals = 100...3_600_000
  static let silences = 1000...86_400_000
  static let expiries = 0...86_400

  var liveTopic: String { givenLiveTopic ?? "\(folder)/live" }
  var averageTopic: String { givenAverageTopic ?? "\(folder)/1m" }
  var statusTopic: String { givenStatusTopic ?? "\(folder)/status" }
  var topics: [String] { [liveTopic, averageTopic, statusTopic] }

  /// A name for the plug that is a word: its own, or one made of its topic.
  var identifier: String {
    String((name ?? liveTopic).map { Self.isWordCharacter($0) ? $0 : "_" })
  }

  private var folder: String { name.map { "sensor/\($0)" } ?? "sensor" }

  /// Letters and digits of ASCII, `_` and `-`.
  static func isWordCharacter(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character.isNumber) || "_-".contains(character)
  }
}
