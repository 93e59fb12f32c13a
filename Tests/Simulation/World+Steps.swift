import Foundation
import GRDB
import PaywallCore

@testable import Ledger

/// What happens.
extension World {
  func run() throws {
    try turn()
    try check(hasTurned: true)
    for _ in 0..<number(10...60) { try step() }
    try settle()
  }

  /// One random step, the watcher's turn, and a look at everything.
  private func step() throws {
    plugin?.isBusy = chance(3)
    switch number(0...124) {
    case ..<22: try advance()
    case ..<42: send()
    case ..<46 where nodes.areRead: try crowd()
    case ..<66: if try poll() { try crash() }
    case ..<71: try changeConfiguration()
    case ..<78: try administer()
    case ..<82: try restart()
    case ..<86: try crash()
    case ..<89: try tear()
    case ..<92: jump()
    case ..<94: toggleNode()
    case ..<97: try spoil()
    case 100...: try changeClients()
    default: try tidy()
    }
    try turn()
    try check(hasTurned: true)
    if chance(12) { try checkRebuilt() }
  }

  /// The rest of the watcher's turn.
  func turn() throws {
    guard let plugin else { return }
    if isNodeUp {
      try plugin.readClock(time, lateMs: Int64(number(0...1500)))
      account.set(nowMs: plugin.nowMs(time))
    }
    // Reading is enough for it.
    try plugin.noticeAdmin(time)
    try attempt("outage") {
      try noticingOutage { try plugin.endOutage(time) }
    }
    try plugin.followTime(time)
  }

  /// Does what may end the time since the broker ran last.
  func noticingOutage<Result>(_ body: () throws -> Result) throws -> Result {
    guard let plugin, !plugin.isOutageOver else { return try body() }
    // What was recorded right before the broker was ended has not been looked at.
    let former = (try? LedgerRows(plugin.ledger).madeGood) ?? madeGood
    defer {
      if plugin.isOutageOver {
        if let aliveMs = account.aliveMs {
          lose(fromMs: aliveMs, untilMs: plugin.startMs, besides: former)
        }
        account.endOutage(startedAtMs: plugin.startMs)
      }
    }
    return try body()
  }

  /// Time passed that nobody could use.
  private func lose(fromMs: Int64, untilMs: Int64, besides madeGood: [PlainAccess.Given]) {
    let bought = PlainHistory(known.map { tangle[$0] }, offers).bought.map {
      PlainAccess.Given(
        account: $0.account, offer: $0.version.terms.name, version: $0.version,
        startsAtMs: max($0.startsAtMs, seenAtMs[$0.payment] ?? .min), endsAtMs: $0.endsAtMs)
    }
    losses.end(
      fromMs: fromMs, untilMs: untilMs, given: bought + madeGood, revoked: Array(revoked.values))
  }

  private func advance() throws {
    guard let plugin else { return }
    var lengthMs = Int64(pick([number(1...2000), number(1...20_000), number(1...200_000)]))
    // To the very edge of what somebody has.
    if chance(3), let given = lastAccess?.given.randomElement(using: &random) {
      let edgeMs = pick([given.startsAtMs, given.endsAtMs]) + Int64(number(-1...1))
      let untilMs = edgeMs - plugin.nowMs(time)
      if (1...3_600_000).contains(untilMs) { lengthMs = untilMs }
    }
    if chance(40) { lengthMs = Int64(number(3_600_000...9_000_000)) }
    say("time goes on by \(lengthMs) ms")
    time.tangleMs += lengthMs
    account.advance(toMs: plugin.nowMs(time), spans)
    try check(hasTurned: false)
  }

  /// Many pay while nobody reads, over minutes or hours; the reading of it may be cut short.
  private func crowd() throws {
    say("nobody reads for a while")
    for _ in 0..<number(4...20) {
      time.tangleMs += Int64(pick([number(0...500), number(1000...400_000)]))
      if let plugin { account.advance(toMs: plugin.nowMs(time), spans) }
      send()
      try turn()
      try check(hasTurned: true)
    }
    for _ in 0..<number(0...2) {
      if try poll() { return try crash() }
      try turn()
      try check(hasTurned: true)
      if chance(2) { return try restart() }
    }
  }

  private func changeConfiguration() throws {
    let before = (stated, announced, free, readers, isStrict)
    changeOffers()
    guard try reload() else {
      // A bad moment for it, which a SIGHUP would wait for.
      (stated, announced, free, readers, isStrict) = before
      return
    }
    say(
      "the configuration is read again: \(stated), \(announced), free \(free), readers \(readers), "
        + "\(isStrict ? "strict" : "open")")
  }

  private func restart() throws {
    say("the broker is restarted")
    try again(isCrash: false)
  }

  private func crash() throws {
    say("the broker crashes")
    try again(isCrash: true)
  }

  /// Ends the plugin and starts it again, at once or later.
  private func again(isCrash: Bool) throws {
    let isKnown = fault == .none
    let old = try end(isCrash: isCrash)
    let isLater = chance(2)
    if isLater {
      time.tangleMs += Int64(pick([number(1...9000), number(10_000...300_000)]))
      if chance(4) { toggleNode() }
      if chance(4) { jump() }
      if chance(4) { reboot() }
    }
    // Two changes within a millisecond would be one.
    let isChanged =
      time.wallOffsetMs == 0 && isNodeUp && time.tangleMs > statedAtMs && chance(4)
    if isChanged {
      changeOffers()
      say(
        "the configuration is changed: \(stated), \(announced), free \(free), readers \(readers), "
          + "\(isStrict ? "strict" : "open")")
    }
    try start()
    guard let old, let plugin, !isLater, !isChanged, isKnown, !wasRecordedUnseen else {
      wasRecordedUnseen = false
      return
    }
    // A clock that has to be set anew may be a little ahead or behind.
    let nowMs = max(old.nowMs(time), plugin.nowMs(time))
    for account in Self.accounts {
      for topic in Self.topics {
        let before = old.mayRead(topic, account, atMs: nowMs)
        let after = plugin.mayRead(topic, account, atMs: nowMs)
        // By another clock it may not be sold any more, or still be.
        guard before != after, before != .defer, after != .defer else { continue }
        throw BrokenPromise(
          .restart,
          "\(account ?? "anonymous"), \(topic): \(before.rawValue) becomes \(after.rawValue)")
      }
    }
  }

  /// The power fails while a page is written.
  private func tear() throws {
    guard isNodeUp, fault == .none else { return }
    beforePage = nil
    _ = try poll(isOrderly: true)
    let after = size(path + "-wal")
    guard let page = beforePage, after > page.walSize else { return }
    let torn = folder + "/torn"
    for suffix in ["", "-wal"] {
      try FileManager.default.copyItem(atPath: path + suffix, toPath: torn + suffix)
    }
    let keptSize = number(page.walSize...after - 1)
    let file = FileHandle(forUpdatingAtPath: torn + "-wal")
    try file?.truncate(atOffset: UInt64(keptSize))
    try file?.close()
    _ = try end(isCrash: true)
    for suffix in ["", "-wal"] {
      try? FileManager.default.removeItem(atPath: path + suffix)
      try FileManager.default.moveItem(atPath: torn + suffix, toPath: path + suffix)
    }
    (known, knownAtMs, seenAtMs) = (page.known, page.knownAtMs, page.seenAtMs)
    (pending, passwords) = (page.pending, page.passwords)
    account.loseAlive(since: page.aliveMs)
    say("the power fails: \(after - keptSize) bytes of the last page are lost")
    try start()
  }

  func size(_ path: String) -> Int {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    return attributes?[.size] as? Int ?? 0
  }

  private func jump() {
    time.wallOffsetMs = chance(3) ? 0 : Int64(number(-7_200_000...7_200_000))
    say("the wall clock is \(time.wallOffsetMs) ms ahead")
  }

  private func reboot() {
    time.bootedAtMs = time.tangleMs - Int64(number(0...9000))
    account.reboot()
    say("the machine is started anew")
  }

  private func toggleNode() {
    isNodeUp.toggle()
    say("the node \(isNodeUp ? "answers" : "is down")")
  }

  private func spoil() throws {
    let next = pick([DiskFault.none, .locked, .full, .readOnly])
    try harm(next)
    say("the disk: \(next)")
  }

  private func tidy() throws {
    guard let plugin else { return }
    try attempt("tidy") {
      guard try plugin.tidy(time) else { return }
      let nowMs = plugin.nowMs(time)
      account.noteAlive(nowMs: nowMs)
      account.noteUntold(nowMs: nowMs, errorMs: nowMs - time.tangleMs)
    }
    say("tidied")
  }

  /// All faults end, and everything that there is is read.
  private func settle() throws {
    say("all faults end")
    try heal()
    isNodeUp = true
    for _ in 0..<3 {
      time.tangleMs += 1000
      if let plugin { account.advance(toMs: plugin.nowMs(time), spans) }
      try turn()
      try check(hasTurned: true)
    }
    time.tangleMs += 600_000
    if let plugin { account.advance(toMs: plugin.nowMs(time), spans) }
    try turn()
    // What contradicts is asked about again; a list that was interrupted lacks what came since.
    for _ in 1...(nodes.haveSource ? 3 : 1) { _ = try poll(isOrderly: true) }
    try turn()
    try check(hasTurned: true)
    let final = tangle.indices.filter {
      (tangle[$0].checkpoint?.timeMs ?? .min) >= sinceMs
    }
    let missing = Set(final).subtracting(known)
    guard missing.isEmpty else {
      throw BrokenPromise(.once, "never recorded: \(missing.sorted())")
    }
    try checkRebuilt()
    try checkTimeAccount()
  }
}
