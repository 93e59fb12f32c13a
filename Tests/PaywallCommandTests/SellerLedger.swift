import ArgumentParser
import Foundation
import GRDB
import Ledger
import PaywallCore
import TestSupport
import Testing

@testable import paywall

/// A seller's ledger and configuration in a folder of their own.
struct SellerLedger {
  static let wallet = "0x" + String(repeating: "ab", count: 32)
  static let address = "0x" + String(repeating: "cd", count: 32)

  let scratch: Scratch
  let ledger: Ledger

  /// 'live' costs 1 NANOS for a millisecond, at least 10 of them; 'history' costs 2.
  init(_ configuration: String = SellerLedger.configuration) throws {
    scratch = try Scratch()
    ledger = try Ledger(path: scratch.path("paywall.db"), nowMs: 1000)
    try scratch.write(configuration, to: "paywall.toml")
    let live = try Self.entry("live", ["sensor/live", "sensor/both"], price: 1, clients: 2)
    let history = try Self.entry("history", ["history/#", "sensor/both"], price: 2)
    _ = try ledger.apply(offers: [live, history], nowMs: 1000, firstFromMs: 0)
  }

  private static func entry(
    _ name: String, _ topics: [String], price: Nanos, clients: Int = 0
  ) throws -> OfferEntry {
    OfferEntry(
      terms: Offer(
        name: try #require(Name(name)), topics: topics.compactMap { TopicFilter($0) },
        price: price, perMs: 1, minimumMs: 10, clients: clients, validFromMs: 0),
      fromMs: nil)
  }

  static let configuration = """
    ledger = "paywall.db"
    secret_file = "paywall.key"
    realm = "plug.example"
    [tangle]
    nodes = ["http://127.0.0.1:9"]
    network = "6364aad5"
    address = "\(address)"
    [access]
    free = ["sensor/1m", "history/free"]
    [[offer]]
    name = "live"
    topics = ["sensor/live", "sensor/both"]
    price = "1 nanos"
    per = "1ms"
    minimum = "10ms"
    clients = 2
    [[offer]]
    name = "history"
    topics = ["history/#", "sensor/both"]
    price = "2 nanos"
    per = "1ms"
    minimum = "10ms"
    [[account]]
    username = "sensor-agent"
    publish = ["sensor/#"]
    read = ["sensor/live"]
    """

  /// The options that name the two files.
  var options: [String] { ["--config", scratch.path("paywall.toml")] }

  /// A command as it is typed, to this ledger.
  func command<Command: ParsableCommand>(
    _ type: Command.Type, _ arguments: String...
  ) throws -> Command {
    try #require(try Paywall.parseAsRoot([type._commandName] + arguments + options) as? Command)
  }

  /// Writes as an admin's `sqlite3` does, which checks no references.
  func write(_ sql: String) throws {
    var configuration = Configuration()
    configuration.foreignKeysEnabled = false
    try DatabaseQueue(path: ledger.path, configuration: configuration).write {
      try $0.execute(sql: sql)
    }
  }

  static func digest(_ number: UInt8) -> String {
    Digest(Bytes32([number] + Array(repeating: 1, count: 31)) ?? .zero).description
  }

  /// Adds a row to `payments`; the checkpoint is the number, nil times are those of pending ones.
  func pay(
    _ number: UInt8, _ amount: Nanos, atMs: Int64?, _ state: String = "confirmed",
    memo: String? = nil, payer: String? = nil, reason: String? = nil,
    account: String? = nil, offer: String? = nil
  ) throws {
    let isConfirmed = state == "confirmed"
    try DatabaseQueue(path: ledger.path).write { db in
      try db.execute(
        sql: "INSERT INTO payments VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        arguments: [
          Self.digest(number), payer, amount, memo, atMs.map { _ in Int64(number) }, atMs,
          (atMs ?? 5_000) &+ 300, state, reason, account ?? (isConfirmed ? "johndoe" : nil),
          offer ?? (isConfirmed ? "live" : nil),
        ])
    }
  }
}

/// The binaries that were built beside the tests.
enum Built {
  static func folder() throws -> URL {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return URL(filePath: tests).deletingLastPathComponent()
  }
}
