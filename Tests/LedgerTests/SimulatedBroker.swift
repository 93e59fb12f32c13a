import Foundation
import GRDB
import PaywallCore
import TestSupport
import Testing

@testable import Ledger

/// A broker that reads a history from nodes of all kinds into a ledger, crashes and comes back.
struct SimulatedBroker {
  /// Promises that were not kept.
  private(set) var faults: [String] = []

  private var random: SplitMix64
  private let entries: [OfferEntry]
  private var scratch: Scratch
  private var ledger: Ledger
  private var offers: OfferHistory
  private let terms: Ledger.Terms
  /// What the main thread would know of logins.
  private var known: Set<Bytes32> = []
  private var nowMs: Int64

  init(_ terms: [PlainFold.Terms], random: SplitMix64) throws {
    self.random = random
    entries = try Self.entries(terms)
    scratch = try Scratch()
    nowMs = Int64.random(in: 0...30_000, using: &self.random)
    self.terms = Ledger.Terms(
      makesGood: Bool.random(using: &self.random),
      provisionalMs: Bool.random(using: &self.random) ? 5000 : 0)
    ledger = try Ledger(path: scratch.path("ledger.db"), nowMs: nowMs)
    offers = OfferHistory()
    try open()
  }

  static func entries(_ terms: [PlainFold.Terms]) throws -> [OfferEntry] {
    try terms.map { terms in
      var entry = try World.entry(terms.name, price: terms.price, minimumMs: terms.minimumMs)
      entry.fromMs = terms.fromMs == 0 ? nil : terms.fromMs
      return entry
    }
  }

  /// What the plugin does with a ledger when the broker starts.
  private mutating func open() throws {
    offers = try ledger.apply(offers: entries, nowMs: nowMs, firstFromMs: 0)
    known = Set(try hashes())
    _ = try ledger.endOutage(atMs: nowMs, terms: terms)
  }

  /// Reads until all of the history is recorded.
  mutating func live(through history: [Payment]) throws {
    for _ in 0..<Int.random(in: 1...25, using: &random) {
      nowMs += Int64.random(in: 0...3000, using: &random)
      try record(page(of: history), history)
      switch Int.random(in: 0..<6, using: &random) {
      case 0: try restart()
      case 1: try crash(history)
      case 2: try ledger.checkpoint()
      default: break
      }
    }
    while true {
      let rest = try history.filter { try !ledger.isKnown($0.digest) }.shuffled(using: &random)
      guard !rest.isEmpty else { break }
      try record(Array(rest.prefix(Int.random(in: 1...7, using: &random))), history)
    }
    // All of it once more changes nothing.
    try record(history.shuffled(using: &random), history)
  }

  /// What some node shows: some of the history in some order, some of it again, some not final yet,
  /// some twice, and much not at all.
  private mutating func page(of history: [Payment]) -> [Payment] {
    let count = Int.random(in: 0...min(12, history.count), using: &random)
    var page: [Payment] = []
    for var payment in history.shuffled(using: &random).prefix(count) {
      if Int.random(in: 0..<4, using: &random) == 0, payment.rejection == nil {
        payment.checkpoint = nil
      }
      page.append(payment)
      if Int.random(in: 0..<10, using: &random) == 0 { page.append(payment) }
    }
    if Bool.random(using: &random) {
      page.sort { ($0.checkpoint?.sequence ?? .max) < ($1.checkpoint?.sequence ?? .max) }
    }
    return page
  }

  private mutating func record(_ page: [Payment], _ history: [Payment]) throws {
    let shown = Set(page.filter { $0.checkpoint != nil }.map(\.digest))
    var reached: Int64?
    for payment in history.sorted(by: { sequence($0) < sequence($1) }) {
      guard try shown.contains(payment.digest) || ledger.isKnown(payment.digest) else {
        reached = sequence(payment) - 1
        break
      }
      reached = sequence(payment)
    }
    let recorded = try ledger.record(
      PaymentPage(payments: page, position: ReadingPosition(checkpoint: reached, sinceMs: 0)),
      network: "n", address: World.address, offers: offers, terms: terms, nowMs: nowMs,
      open: PlainSeal.open)
    for login in recorded.logins {
      if login.isValid {
        known.insert(login.passwordHash)
      } else {
        known.remove(login.passwordHash)
      }
    }
    if try known != Set(hashes()) { faults.append("the logins that were told are not all right") }
  }

  /// The hashes of all logins that are right.
  private func hashes() throws -> [Bytes32] {
    var hashes: [Bytes32] = []
    let flaws = try ledger.forEachLogin { _, hash in hashes.append(hash) }
    #expect(flaws.isEmpty)
    return hashes
  }

  private func sequence(_ payment: Payment) -> Int64 { payment.checkpoint?.sequence ?? 0 }

  // MARK: - Ends

  private mutating func restart() throws {
    try ledger.noteAlive(nowMs: nowMs)
    try ledger.checkpoint()
    ledger.close()
    try goOn(in: copy(["ledger.db"]))
  }

  /// Goes on with copies of the files as they are, or as they were while the last page was written.
  private mutating func crash(_ history: [Payment]) throws {
    let before = try size(of: "ledger.db-wal")
    try record(page(of: history), history)
    let after = try size(of: "ledger.db-wal")
    let other = try copy(["ledger.db", "ledger.db-wal"])
    if after > before, Bool.random(using: &random) {
      let file = try #require(FileHandle(forUpdatingAtPath: other.path("ledger.db-wal")))
      try file.truncate(atOffset: UInt64(Int.random(in: before..<after, using: &random)))
      try file.close()
    }
    ledger.close()
    try goOn(in: other)
    let position = try ledger.position(network: "n", address: World.address, sinceMs: 0)
    for payment in history where sequence(payment) <= position.checkpoint ?? -1 {
      if try !ledger.isKnown(payment.digest) {
        faults.append("\(payment.digest) is lost before checkpoint \(position.checkpoint ?? -1)")
      }
    }
  }

  private func copy(_ names: [String]) throws -> Scratch {
    let other = try Scratch()
    for name in names {
      try FileManager.default.copyItem(atPath: scratch.path(name), toPath: other.path(name))
    }
    return other
  }

  private mutating func goOn(in folder: Scratch) throws {
    nowMs += Int64.random(in: 0...20_000, using: &random)
    ledger = try Ledger(path: folder.path("ledger.db"), nowMs: nowMs)
    scratch = folder
    try open()
  }

  private func size(of name: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: scratch.path(name))
    return attributes[.size] as? Int ?? 0
  }

  // MARK: - Results

  func payments() throws -> [String] {
    try Self.rows(
      "digest || '|' || amount || '|' || checkpoint || '|' || paid_at || '|' || state || '|' || "
        + "ifnull(account, '') || '|' || ifnull(offer, '')", "payments", ledger)
  }

  /// Who may log in by which password, in the order of the bytes.
  func logins() throws -> [String] { try Self.logins(ledger) }

  static func logins(_ ledger: Ledger) throws -> [String] {
    try rows(
      "username || '|' || password_hash", "accounts WHERE password_hash IS NOT NULL", ledger)
  }

  func credits() throws -> [String] { try Self.credits(ledger) }

  func bought() throws -> [String] { try Self.bought(ledger) }

  static func credits(_ ledger: Ledger) throws -> [String] {
    try rows("account || '|' || offer || '|' || nanos", "credits", ledger)
  }

  static func bought(_ ledger: Ledger) throws -> [String] {
    try rows(
      "account || '|' || offer || '|' || starts_at || '|' || ends_at || '|' || payment",
      "grants WHERE kind = 'bought'", ledger)
  }

  private static func rows(
    _ columns: String, _ table: String, _ ledger: Ledger
  ) throws -> [String] {
    try ledger.read { db in
      try String.fetchAll(db, sql: "SELECT \(columns) AS line FROM \(table) ORDER BY line")
    }
  }
}
