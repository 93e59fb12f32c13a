/// What everybody who paid got of what was bought: time in which it could be read, by account and
/// offer.
struct TimeAccount {
  private(set) var deliveredMs: [String: Int64] = [:]
  /// Of whom more is to be said than the sums tell: time was granted or revoked, or counts for
  /// somebody else now.
  var unclear: Set<String> = []
  var isUnclear = false
  /// How much less and more than what was bought there may be in the end, in milliseconds.
  private(set) var lessMs: Int64 = 2000
  private(set) var moreMs: Int64 = 2000
  private(set) var aliveMs: Int64?
  private(set) var isOutageOver = false
  private var lastMs: Int64?
  private var endedAtMs: Int64?
  /// A run in which no node has told the time so far: from when on it is not noted, and by how much
  /// the clock was ahead of the tangle's at its start.
  private var untold: (sinceMs: Int64, errorMs: Int64)?
  /// What was noted of such runs since the broker knew the time last.
  private var notedMs: Int64 = 0
  /// What is made good only where it takes longer, in milliseconds.
  static let ordinaryMs: Int64 = 10_000

  mutating func start(nowMs: Int64, errorMs: Int64) {
    lastMs = nowMs
    isOutageOver = false
    untold = (nowMs, errorMs)
    guard let endedAtMs else { return }
    lessMs += aliveMs == nil ? max(0, nowMs - endedAtMs) : Self.ordinaryMs
  }

  mutating func end(nowMs: Int64, errorMs: Int64, isProper: Bool) {
    if isProper {
      noteAlive(nowMs: nowMs)
      noteUntold(nowMs: nowMs, errorMs: errorMs)
    }
    if let aliveMs { moreMs += max(0, nowMs - (untold?.sinceMs ?? aliveMs)) }
    endedAtMs = nowMs
    lastMs = nil
  }

  mutating func endOutage(startedAtMs: Int64) {
    isOutageOver = true
    aliveMs = startedAtMs
    untold = nil
    notedMs = 0
  }

  /// The broker notes that it runs, while it goes by the wall clock.
  mutating func noteUntold(nowMs: Int64, errorMs: Int64) {
    // A clock that is wrong by about as much as a restart takes may be believed later, or not.
    guard let untold, untold.errorMs == errorMs, abs(errorMs) < Self.ordinaryMs - 3000 else {
      return
    }
    notedMs += max(0, nowMs - untold.sinceMs)
    self.untold?.sinceMs = max(nowMs, untold.sinceMs)
  }

  /// The machine is started anew: nobody can tell any more when it was that the broker ran.
  mutating func reboot() {
    moreMs += notedMs
    notedMs = 0
  }

  mutating func noteAlive(nowMs: Int64) {
    if isOutageOver { aliveMs = nowMs }
  }

  /// A commit that the disk has lost.
  mutating func loseAlive(since formerMs: Int64?) {
    if let aliveMs, let formerMs { moreMs += max(0, aliveMs - formerMs) }
    aliveMs = formerMs
  }

  mutating func know(lateByMs: Int64) { lessMs += min(max(0, lateByMs), Self.ordinaryMs) }

  /// Takes notice of the plugin's time where the clock was set.
  mutating func set(nowMs: Int64) {
    guard let lastMs else { return }
    let jumpMs = abs(nowMs - lastMs)
    if jumpMs > 20_000 { isUnclear = true }
    lessMs += jumpMs
    moreMs += jumpMs
    self.lastMs = nowMs
  }

  /// Counts what could be read while time went by.
  mutating func advance(toMs nowMs: Int64, _ spans: [String: [(Int64, Int64)]]) {
    guard let lastMs else { return }
    for (key, spans) in spans {
      deliveredMs[key, default: 0] += Self.length(spans, fromMs: lastMs, untilMs: nowMs)
    }
    self.lastMs = nowMs
  }

  /// How long some spans are together, overlaps counted once.
  static func length(_ spans: [(Int64, Int64)], fromMs: Int64, untilMs: Int64) -> Int64 {
    var sum: Int64 = 0
    var reachedMs = fromMs
    for (start, end) in spans.sorted(by: { $0.0 < $1.0 }) {
      let (from, until) = (max(start, reachedMs), min(end, untilMs))
      if from < until { sum += until - from }
      reachedMs = max(reachedMs, until)
    }
    return sum
  }
}
