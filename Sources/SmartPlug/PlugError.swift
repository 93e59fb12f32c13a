/// Why a plug could not be read: one sentence that names the plug.
public struct PlugError: Error, Hashable, CustomStringConvertible {
  /// The kind of failure, for counting and for logging each once; more kinds may come.
  public struct Kind: Hashable, Sendable, CustomStringConvertible {
    /// The kind in words.
    public let description: String

    private init(_ description: String) { self.description = description }

    /// No answer came.
    public static let noAnswer = Kind("no answer")
    /// An answer came, but it says that the request failed.
    public static let refusal = Kind("refusal")
    /// The answer is larger than any plug's.
    public static let tooLarge = Kind("too large")
    /// The answer is not the XML, or not the values, of this kind of plug.
    public static let unreadable = Kind("unreadable")
    /// The answer can be read, but no plug can have such a power.
    public static let implausible = Kind("implausible")
    /// Another plug than the configured one answers at its address.
    public static let stranger = Kind("a stranger")
    /// There has been no new reading yet, which is no failure: the source brings them by itself.
    public static let nothingNew = Kind("nothing new")
    /// The address of the plug cannot be used; waiting will not mend it.
    public static let badAddress = Kind("bad address")
    /// ``PowerSource/cancel()`` was called.
    public static let cancelled = Kind("cancelled")
  }

  /// The kind of failure.
  public let kind: Kind
  /// One sentence: which plug, what is wrong, what to do where that is known.
  public let description: String

  /// An error of a kind, in words.
  public init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }
}
