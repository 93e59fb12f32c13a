/// A span of time, in Unix milliseconds of the tangle's time: the start is in it, the end is not.
public struct Span: Hashable, Comparable, Sendable, BitwiseCopyable {
  /// The first millisecond.
  public var startsAtMs: Int64
  /// The first millisecond after it.
  public var endsAtMs: Int64

  /// A span of the given bounds.
  public init(startsAtMs: Int64, endsAtMs: Int64) {
    self.startsAtMs = startsAtMs
    self.endsAtMs = endsAtMs
  }

  /// Whether a moment lies in the span.
  public func contains(_ timeMs: Int64) -> Bool {
    startsAtMs <= timeMs && timeMs < endsAtMs
  }

  /// Order by start, then by end.
  public static func < (lhs: Span, rhs: Span) -> Bool {
    (lhs.startsAtMs, lhs.endsAtMs) < (rhs.startsAtMs, rhs.endsAtMs)
  }
}

/// Why an account may, or may not, read what an offer sells, for a span of time.
public struct Grant: Hashable, Sendable {
  /// Where a grant comes from.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// A payment.
    case bought
    /// The seller.
    case granted
    /// The time a buyer lost while the broker was down.
    case madeGood = "made_good"
    /// The seller: this time is taken away, whatever else gives it.
    case revoked
  }

  /// Where it comes from.
  public var kind: Kind
  /// When it holds.
  public var span: Span

  /// A grant of the given kind and span.
  public init(kind: Kind, span: Span) {
    self.kind = kind
    self.span = span
  }

  /// When there is access: (bought ∪ granted ∪ made good) − revoked.
  ///
  /// - Returns: Spans in order that neither touch nor overlap.
  /// - Complexity: O(*n* log *n*) in the number of grants.
  public static func access(_ grants: some Sequence<Grant>) -> [Span] {
    var given: [Span] = []
    var taken: [Span] = []
    for grant in grants where grant.span.startsAtMs < grant.span.endsAtMs {
      if grant.kind == .revoked { taken.append(grant.span) } else { given.append(grant.span) }
    }
    return subtract(merge(taken), from: merge(given))
  }

  private static func merge(_ spans: [Span]) -> [Span] {
    var merged: [Span] = []
    for span in spans.sorted() {
      if let last = merged.last, span.startsAtMs <= last.endsAtMs {
        merged[merged.count - 1].endsAtMs = max(last.endsAtMs, span.endsAtMs)
      } else {
        merged.append(span)
      }
    }
    return merged
  }

  private static func subtract(_ taken: [Span], from given: [Span]) -> [Span] {
    var rest: [Span] = []
    var next = 0
    for span in given {
      var startsAtMs = span.startsAtMs
      while next < taken.count, taken[next].endsAtMs <= startsAtMs { next += 1 }
      var index = next
      while index < taken.count, taken[index].startsAtMs < span.endsAtMs {
        if startsAtMs < taken[index].startsAtMs {
          rest.append(Span(startsAtMs: startsAtMs, endsAtMs: taken[index].startsAtMs))
        }
        startsAtMs = taken[index].endsAtMs
        index += 1
      }
      if startsAtMs < span.endsAtMs {
        rest.append(Span(startsAtMs: startsAtMs, endsAtMs: span.endsAtMs))
      }
    }
    return rest
  }
}
