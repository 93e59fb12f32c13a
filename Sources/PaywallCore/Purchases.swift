/// What one account's payments for one offer buy: a fold over them, in the order
/// (checkpoint, digest bytes).
public struct Purchases: Hashable, Sendable {
  /// A confirmed payment that counts for the account and the offer.
  public struct Entry: Hashable, Comparable, Sendable {
    /// The transaction.
    public var digest: Digest
    /// The checkpoint that made it final.
    public var checkpoint: Checkpoint
    /// What was paid, in NANOS.
    public var amount: Nanos

    /// An entry of the given parts.
    public init(digest: Digest, checkpoint: Checkpoint, amount: Nanos) {
      self.digest = digest
      self.checkpoint = checkpoint
      self.amount = amount
    }

    /// The order in which payments count: by checkpoint, then by the bytes of the digest.
    public static func < (lhs: Entry, rhs: Entry) -> Bool {
      (lhs.checkpoint.sequence, lhs.digest) < (rhs.checkpoint.sequence, rhs.digest)
    }
  }

  /// What was paid and has bought nothing yet, in NANOS.
  public private(set) var credit: Nanos
  /// The end of all that was bought so far; nil where nothing was.
  public private(set) var endsAtMs: Int64?

  /// The state after some payments; without arguments, before the first.
  public init(credit: Nanos = 0, endsAtMs: Int64? = nil) {
    self.credit = credit
    self.endsAtMs = endsAtMs
  }

  /// Counts the next payment.
  ///
  /// What it buys starts at its checkpoint's time, or at the end of what is bought already,
  /// whichever is later.
  ///
  /// - Parameters:
  ///   - entry: The payment; it comes after all that were counted before.
  ///   - offer: The terms in force at its checkpoint's time.
  /// - Returns: The time it buys; nil where it is less than the offer's minimum and is kept as
  ///   credit.
  public mutating func count(_ entry: Entry, offer: Offer) -> Span? {
    let (sum, overflow) = credit.addingReportingOverflow(entry.amount)
    let paid = overflow ? .max : sum
    let boughtMs = offer.boughtMs(for: paid)
    guard boughtMs > 0, boughtMs >= offer.minimumMs else {
      credit = paid
      return nil
    }
    let startsAtMs = max(entry.checkpoint.timeMs, endsAtMs ?? .min)
    let (end, isEndless) = startsAtMs.addingReportingOverflow(boughtMs)
    let span = Span(startsAtMs: startsAtMs, endsAtMs: isEndless ? .max : end)
    credit = 0
    endsAtMs = span.endsAtMs
    return span
  }
}
