/// A way for the node to misbehave, and when.
///
/// As JSON, the fields have the names of the properties; all but `kind` may be missing.
public struct Fault: Codable, Hashable, Sendable {
  /// How the node misbehaves; the raw value is the name in JSON.
  public enum Kind: String, Codable, CaseIterable, Sendable {
    /// Waits `value` milliseconds (1,000) before it answers.
    case slow
    /// Answers status 429, a body that is no JSON, and `Retry-After: value` (1) in seconds.
    case tooManyRequests
    /// Answers the status `value` (503), and a body that is no JSON.
    case serverError
    /// Answers text that is almost JSON.
    case malformed
    /// Announces the whole body, sends half of it, and closes the connection.
    case truncated
    /// Repeats each entry of a page.
    case duplicate
    /// Shuffles the entries of a page.
    case reorder
    /// Leaves balance changes out, and says so in `errors`, as a pruned node does.
    case missingBalanceChanges
    /// Answers pages without a cursor.
    case nullCursor
    /// Has forgotten all transactions but the newest `value` (0).
    case pruned
    /// Answers another network's chain identifier.
    case wrongNetwork
    /// Makes no checkpoints.
    case stuckCheckpoints
    /// Adds `value` milliseconds (3,600,000) to every time it answers.
    case timeSkew
    /// Refuses connections for `value` milliseconds (1,000), then listens on its port again.
    case down
    /// Confirms milestones `value` (10) later than they are made, and says that it is not healthy; of
    /// a Stardust node.
    case lagging
    /// Answers status 404; of a Stardust node.
    case notFound

    /// The kinds that a Stardust node knows.
    static let stardust: Set<Kind> = [
      .slow, .tooManyRequests, .serverError, .malformed, .truncated, .pruned, .wrongNetwork,
      .stuckCheckpoints, .timeSkew, .lagging, .notFound,
    ]
  }

  /// How the node misbehaves.
  public var kind: Kind
  /// The method of JSON-RPC or the field of GraphQL's `Query` it concerns, or what is asked of a
  /// Stardust node (`info`, `milestone`, `utxo-changes`, `output`, `basic`); nil: all.
  public var method: String?
  /// How many more requests it concerns; nil: all, until the faults are replaced.
  public var count: Int?
  /// The share of requests that it concerns, from 0 to 1; nil: all.
  public var probability: Double?
  /// What ``Kind-swift.enum`` says it is for the kind; nil: the value given there in brackets.
  public var value: Int64?

  /// A fault of the given kind.
  public init(
    _ kind: Kind, method: String? = nil, count: Int? = nil, probability: Double? = nil,
    value: Int64? = nil
  ) {
    self.kind = kind
    self.method = method
    self.count = count
    self.probability = probability
    self.value = value
  }

  /// The value, or what stands for it where none is given.
  var effectiveValue: Int64 {
    if let value { return value }
    switch kind {
    case .slow, .down: return 1_000
    case .tooManyRequests: return 1
    case .serverError: return 503
    case .timeSkew: return 3_600_000
    case .lagging: return 10
    default: return 0
    }
  }

  /// What is wrong with the fault, if anything.
  var problem: String? {
    if let count, count < 0 { return "count must not be negative" }
    if let probability, !(0...1).contains(probability) { return "probability must be 0 to 1" }
    switch kind {
    case .serverError where !(500...599).contains(effectiveValue):
      return "value of serverError must be a status from 500 to 599"
    case .slow where !(0...300_000).contains(effectiveValue),
      .down where !(0...300_000).contains(effectiveValue):
      return "value of \(kind.rawValue) must be 0 to 300000 milliseconds"
    case .pruned where effectiveValue < 0, .tooManyRequests where effectiveValue < 0,
      .lagging where effectiveValue < 0:
      return "value of \(kind.rawValue) must not be negative"
    case .down where method != nil || count != nil || probability != nil:
      return "down concerns the whole node: give it a value only"
    case .stuckCheckpoints where method != nil || count != nil || probability != nil:
      return "stuckCheckpoints concerns the whole node: give it no method, count or probability"
    default:
      return nil
    }
  }
}

/// The faults in force, and the dice that decide which request they concern.
struct FaultPlan: Sendable {
  private(set) var faults: [Fault] = []
  var random = SeededGenerator(seed: 1)

  /// Puts these in the place of all faults so far.
  mutating func replace(_ faults: [Fault], seed: UInt64) {
    self.faults = faults
    random = SeededGenerator(seed: seed)
  }

  /// The faults that concern the next request, of the methods or fields.
  mutating func next(forAnyOf methods: Set<String>) -> [Fault] {
    var hits: [Fault] = []
    for index in faults.indices {
      let fault = faults[index]
      if let wanted = fault.method, !methods.contains(wanted) { continue }
      if let count = fault.count, count == 0 { continue }
      if let probability = fault.probability,
        Double.random(in: 0..<1, using: &random) >= probability
      {
        continue
      }
      if let count = fault.count { faults[index].count = count - 1 }
      hits.append(fault)
    }
    return hits
  }

  /// Whether checkpoints are to stand still.
  var stopsCheckpoints: Bool { faults.contains { $0.kind == .stuckCheckpoints } }
}

/// Numbers that look random and follow from a seed.
///
/// Source: SplitMix64, https://prng.di.unimi.it/splitmix64.c
struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}
