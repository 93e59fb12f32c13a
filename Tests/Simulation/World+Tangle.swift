import Foundation
import PaywallCore

@testable import Ledger

/// The tangle, and a node that shows it.
extension World {
  func isFinal(_ index: Int) -> Bool {
    (tangle[index].checkpoint?.timeMs ?? .max) <= time.tangleMs
  }

  private func isShown(_ index: Int) -> Bool {
    isFinal(index) && tangle[index].shownFromMs <= time.tangleMs
  }

  private func precedes(_ first: Int, _ second: Int) -> Bool {
    let (left, right) = (tangle[first], tangle[second])
    let (one, other) = (left.checkpoint?.sequence ?? 0, right.checkpoint?.sequence ?? 0)
    return one != other ? one < other : left.digest.lexicographicallyPrecedes(right.digest)
  }

  /// What a node hands over next: pages of transactions, each final or not.
  func pages(after reached: Int64, isOrderly: Bool) -> [[(index: Int, isFinal: Bool)]] {
    var shown = tangle.indices.filter { index in
      isShown(index) && (tangle[index].checkpoint?.timeMs ?? 0) >= sinceMs
        && ((tangle[index].checkpoint?.sequence ?? 0) > reached || (!isOrderly && chance(8)))
    }.sorted(by: precedes)
    if !isOrderly, chance(4) { shown.shuffle(using: &random) }
    if !isOrderly, chance(4), let again = shown.randomElement(using: &random) {
      shown.append(again)
    }
    var handed = shown.map { (index: $0, isFinal: true) }
    for index in tangle.indices
    where !isShown(index) && tangle[index].sentAtMs <= time.tangleMs && chance(2) {
      handed.append((index, false))
    }
    var pages: [[(index: Int, isFinal: Bool)]] = []
    while !handed.isEmpty {
      let count = min(handed.count, isOrderly ? 50 : number(1...6))
      pages.append(Array(handed.prefix(count)))
      handed.removeFirst(count)
    }
    return pages.isEmpty ? [[]] : pages
  }

  /// The highest checkpoint before which nothing is missing, once some are recorded too.
  func covered(_ page: [(index: Int, isFinal: Bool)], from reached: Int64) -> Int64 {
    let recorded = Set(known).union(page.filter(\.isFinal).map(\.index))
    let missing = tangle.indices.filter { index in
      isFinal(index) && (tangle[index].checkpoint?.timeMs ?? 0) >= sinceMs
        && !recorded.contains(index)
    }.compactMap { tangle[$0].checkpoint?.sequence }.min()
    let newest = SimulatedTime.checkpoint(atMs: time.tangleMs).sequence
    return max(reached, min(newest, missing.map { $0 - 1 } ?? newest))
  }

  /// Reads what is new; may be cut short by an error of the node, the disk, or a crash.
  ///
  /// - Returns: Whether a crash is to follow, before what was recorded last is handed over.
  func poll(isOrderly: Bool = false) throws -> Bool {
    guard let plugin, isNodeUp else { return false }
    // An admin's shell may let go at any time, not only between two turns.
    if fault == .locked, chance(2) { try heal() }
    if nodes.haveSource { return try pollNodes(isOrderly: isOrderly) }
    // A number of its own where nothing was read.
    let start = try plugin.position().checkpoint ?? -1
    var reached = start
    for handed in pages(after: start, isOrderly: isOrderly) {
      reached = covered(handed, from: reached)
      switch try record(handed, reached, isOrderly: isOrderly) {
      case .crash: return true
      case .failure: return false
      case .done: break
      }
      if !isOrderly, chance(8) {
        say("the node fails amid its pages")
        break
      }
    }
    return false
  }

  /// What may come of a page.
  enum Recorded: Error { case done, failure, crash }

  /// Makes a page durable, and hands over what it causes unless there is a crash before.
  func record(
    _ handed: [(index: Int, isFinal: Bool)], _ reached: Int64, isOrderly: Bool
  ) throws -> Recorded {
    guard let plugin else { return .failure }
    let page = PaymentPage(
      payments: handed.map { tangle[$0.index].payment(isFinal: $0.isFinal) },
      position: ReadingPosition(checkpoint: reached < 0 ? nil : reached, sinceMs: sinceMs))
    beforePage = BeforePage(
      walSize: size(path + "-wal"), known: known, knownAtMs: knownAtMs, seenAtMs: seenAtMs,
      pending: pending, passwords: passwords, aliveMs: account.aliveMs)
    var crashes = false
    let isRecorded = try attempt("record") {
      let isSynchronized = plugin.isSynchronized(time)
      // What a page tells of the time is taken notice of once it is recorded.
      let recordedAtMs = plugin.nowMs(time)
      let recorded = try noticingOutage { try plugin.record(page, time) }
      know(
        handed, recordedAtMs: recordedAtMs, nowMs: plugin.nowMs(time),
        isSynchronized: isSynchronized)
      say("recorded \(handed.map { "\($0.index)\($0.isFinal ? "" : "?")" }), up to \(reached)")
      crashes = !isOrderly && chance(40)
      if !crashes {
        try handOver(recorded, isReadable: isOrderly || !chance(20))
      }
      account.set(nowMs: plugin.nowMs(time))
      try checkBegun(handed, plugin)
    }
    if crashes {
      wasRecordedUnseen = true
      return .crash
    }
    if !isRecorded { say("nothing could be recorded") }
    return isRecorded ? .done : .failure
  }

  /// What is bought has begun when the payment is known.
  private func checkBegun(
    _ handed: [(index: Int, isFinal: Bool)], _ plugin: SimulatedPlugin
  ) throws {
    let paidMs = handed.filter(\.isFinal).compactMap { tangle[$0.index].checkpoint?.timeMs }.max()
    guard let paidMs, plugin.isSynchronized(time), plugin.nowMs(time) < paidMs else { return }
    throw BrokenPromise(
      .time, "what is bought begins in \(paidMs - plugin.nowMs(time)) ms, though it is known")
  }

  /// Hands over what a page causes; where it cannot be read just then, the watcher's turn does.
  private func handOver(
    _ recorded: Ledger.Recorded, isReadable: Bool
  ) throws {
    guard let plugin else { return }
    guard !isReadable else { return try plugin.handOver(recorded, time) }
    do {
      defer { plugin.ledger.setReadable(true) }
      plugin.ledger.setReadable(false)
      try plugin.handOver(recorded, time)
    } catch let error as LedgerError {
      say("what is recorded cannot be read: \(error)")
    }
  }

  // MARK: - What the model learns

  /// Payments were recorded.
  func know(
    _ handed: [(index: Int, isFinal: Bool)], recordedAtMs: Int64, nowMs: Int64,
    isSynchronized: Bool
  ) {
    account.noteAlive(nowMs: recordedAtMs)
    let before = PlainHistory(known.map { tangle[$0] }, offers)
    let new = handed.filter { $0.isFinal && !known.contains($0.index) }.map { tangle[$0.index] }
    let waiting = handed.filter { !$0.isFinal && !pending.contains($0.index) }.map(\.index)
    defer { foresee(waiting, new, since: before, nowMs: nowMs) }
    for (index, _) in handed where seenAtMs[tangle[index].text] == nil {
      seenAtMs[tangle[index].text] = recordedAtMs
    }
    for (index, isFinal) in handed where !known.contains(index) {
      guard isFinal, let checkpoint = tangle[index].checkpoint else {
        pending.insert(index)
        continue
      }
      let transaction = tangle[index]
      var before: String?
      if case .sealed(let name, _, _) = transaction.memo { before = firstPassword(name) }
      pending.remove(index)
      known.append(index)
      knownAtMs[transaction.text] = max(nowMs, checkpoint.timeMs)
      account.know(lateByMs: nowMs - checkpoint.timeMs)
      if !isSynchronized || checkpoint.timeMs < bornAtMs { unsettle(transaction) }
      guard case .sealed(let name, _, _) = transaction.memo, !transaction.isRejected else {
        continue
      }
      let after = firstPassword(name)
      guard after != before else { continue }
      passwords[name] = .some(after)
      if before != nil { unsettle(name) }
    }
  }

  /// What payments may give or have lost that are new, or in no checkpoint yet.
  private func foresee(
    _ waiting: [Int], _ new: [PlainTransaction], since before: PlainHistory, nowMs: Int64
  ) {
    latestMs = max(latestMs, nowMs)
    let after = PlainHistory(known.map { tangle[$0] }, offers)
    losses.know(new, before: before, after: after, nowMs: nowMs, revoked: Array(revoked.values))
    for index in waiting where pending.contains(index) {
      // Credit is counted before a page or after it.
      let possible = [before, after].compactMap {
        $0.provisional(tangle[index], atMs: nowMs, limitMs: provisionalMs, offers)
      }
      foreseen[tangle[index].text] = possible.max { $0.mostMs < $1.mostMs }
    }
  }

  /// With which password a buyer's name was claimed first.
  private func firstPassword(_ name: String) -> String? {
    for index in known.sorted(by: precedes) where !tangle[index].isRejected {
      if case .sealed(name, let password, _) = tangle[index].memo { return password }
    }
    return nil
  }

  /// What a transaction buys is not accounted for.
  private func unsettle(_ transaction: PlainTransaction) {
    switch transaction.memo {
    case .none, .unreadable, .contradictory: break
    case .plain(let name, _): account.unclear.insert(name)
    case .sealed(let name, _, _): account.unclear.insert("buyer:\(name)")
    }
    if let payer = transaction.payer { account.unclear.insert(payer) }
  }

  /// A name has changed hands.
  private func unsettle(_ name: String) {
    for transaction in tangle {
      if case .sealed(name, _, _) = transaction.memo { unsettle(transaction) }
    }
  }
}
