import Foundation
import GRDB
import IOTACrypto
import PaywallCore
import TestSupport

@testable import Configuration
@testable import Ledger

/// All that is simulated: a tangle, a node, a seller, clients, a disk and clocks; and what a plain
/// model knows of them.
final class World {
  static let startMs: Int64 = 1_700_000_000_000
  static let topics = [
    "s/live", "s/other", "s/x", "s/y/z", "free/1", "else", "s", "$s/x", "s/" + longName,
    "t/" + longName,
  ]
  /// Too long to be kept beside others.
  private static let longName = String(repeating: "l", count: 100)
  static let wallets = PlainTransaction.keys.map { "\($0.address)" }
  /// Names that no memo can add time to.
  static let impossibleNames =
    wallets + [
      "0x" + String(repeating: "C", count: 64), "a/b", "a+", "", "buyer:", "buyer:a:b",
      String(repeating: "n", count: 65),
    ]
  static let accounts: [String?] =
    ["a", "b", "buyer:x", "buyer:y", "agent", "stranger", nil] + wallets

  var random: SplitMix64
  var time = SimulatedTime(tangleMs: World.startMs)
  private(set) var steps: [String] = []

  // The seller's configuration.
  var stated: [PlainOffers.Terms] = []
  /// Terms that hold from a later time on, beside those of the same offer that hold until then.
  var announced: [String: PlainOffers.Announced] = [:]
  var free: [String] = []
  var readers: [String: [String]] = [:]
  var isStrict = false
  let makesGood: Bool
  let provisionalMs: Int64
  let sinceMs: Int64

  // What the product has.
  let folder: String
  private let sabotage: Sabotage?
  private var folderNumber = 0
  private(set) var path = ""
  private(set) var plugin: SimulatedPlugin?
  private(set) var admin: DatabaseQueue?

  // Faults.
  enum DiskFault { case none, locked, full, readOnly }
  var fault = DiskFault.none
  var isNodeUp = true
  /// Nodes that have to agree, where several are asked.
  let nodes: SimulatedNodes
  private let memory: SimulatedMemory
  /// Whether the broker is Mosquitto 2.1.
  let isBrokerNewer: Bool

  // What the model knows.
  var tangle: [PlainTransaction] = []
  var known: [Int] = []
  var knownAtMs: [String: Int64] = [:]
  /// When payments were seen first, final or not.
  var seenAtMs: [String: Int64] = [:]
  var pending: Set<Int> = []
  var offers = PlainOffers()
  var statedAtMs = Int64.min
  var passwords: [String: String?] = [:]
  var granted: [Int64: PlainAccess.Given] = [:]
  var revoked: [Int64: PlainAccess.Given] = [:]
  var provisional: [String: PlainOffers.Version] = [:]
  var bornAtMs = Int64.max
  var account = TimeAccount()
  var losses = PlainLosses()
  /// What had been lost, and was made good, when it was checked last.
  var formerLosses = PlainLosses()
  var madeGood: [PlainAccess.Given] = []
  /// What payments may give before they are final, by payment.
  var foreseen: [String: PlainHistory.Provisional] = [:]
  /// The latest time that the plugin has told.
  var latestMs = Int64.min
  /// What could be read when it was checked last.
  var lastAccess: PlainAccess?
  var spans: [String: [(Int64, Int64)]] = [:]
  /// Who has a session, in the order in which their connections came.
  var clients: [PlainClient] = []
  /// By which logins buyers have come, by the number of the connection.
  var logins: [Int: PlainLogin.Buyer] = [:]
  var connectionCount = 0
  /// What was known, and durable, before a page.
  struct BeforePage {
    var walSize: Int
    var known: [Int]
    var knownAtMs: [String: Int64]
    var seenAtMs: [String: Int64]
    var pending: Set<Int>
    var passwords: [String: String?]
    var aliveMs: Int64?
  }
  /// Of the page that was recorded last.
  var beforePage: BeforePage?
  /// Whether a page is durable that was not handed over.
  var wasRecordedUnseen = false

  init(seed: UInt64, folder: String, sabotage: Sabotage?) throws {
    self.sabotage = sabotage
    random = SplitMix64(seed: seed)
    self.folder = folder
    makesGood = Int.random(in: 0..<4, using: &random) > 0
    provisionalMs = Int.random(in: 0..<3, using: &random) == 0 ? 120_000 : 0
    sinceMs = Self.startMs - 600_000
    nodes = SimulatedNodes(&random, isLiarBelieved: sabotage == .believedLiar)
    memory = SimulatedMemory(&random)
    isBrokerNewer = Bool.random(using: &random)
    try makeFolder()
    stated = [Self.firstTerms]
    stated[0].clients = pick([0, 0, 1])
    if chance(2) { stated.append(randomTerms("other")) }
    changeTopics()
    for _ in 0..<number(0...3) { send(agoMs: Int64(number(1000...500_000))) }
    if chance(3) { time.wallOffsetMs = Int64(number(-7_200_000...7_200_000)) }
    if chance(6) { isNodeUp = false }
    try start()
    if chance(2) { try skipNumbers() }
  }

  /// Has later versions of offers have higher numbers, as where there were many.
  private func skipNumbers() throws {
    try admin?.inDatabase { db in
      try db.execute(
        sql: """
          INSERT INTO offers (id, name, position, topics, price, per_ms, minimum_ms, clients,
            valid_from_at, valid_until_at)
          VALUES (?, 'gone', 9, '["gone"]', 1, 1, 1, 0, 0, 1)
          """, arguments: [number(12...40)])
    }
  }

  deinit {
    plugin?.ledger.close()
    try? admin?.close()
    try? FileManager.default.removeItem(atPath: folder)
  }

  func say(_ step: String) { steps.append("\(time.tangleMs - Self.startMs) ms: \(step)") }

  func number(_ range: ClosedRange<Int>) -> Int { .random(in: range, using: &random) }

  /// True once in so many times.
  func chance(_ count: Int) -> Bool { number(1...count) == 1 }

  func pick<Element>(_ elements: [Element]) -> Element {
    elements[number(0...elements.count - 1)]
  }

  // MARK: - Starts and ends

  private func makeFolder() throws {
    folderNumber += 1
    let folder = "\(folder)/\(folderNumber)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    path = "\(folder)/ledger.db"
  }

  func start() throws {
    // What a clock says that nobody has confirmed may be undone by another one.
    if account.aliveMs ?? .min < statedAtMs { time.wallOffsetMs = 0 }
    let plugin = try SimulatedPlugin(
      path: path, configuration, time, memory, isBrokerNewer: isBrokerNewer, isNodeUp: isNodeUp,
      sabotage: sabotage)
    time = plugin.time
    self.plugin = plugin
    nodes.restart()
    let nowMs = plugin.nowMs(time)
    if bornAtMs == .max { bornAtMs = min(nowMs, time.wallMs) }
    let newestMs = known.compactMap { tangle[$0].checkpoint?.timeMs }.max() ?? .min
    account.start(nowMs: nowMs, errorMs: nowMs - time.tangleMs)
    // Nobody knows what was lost by a clock that is wrong.
    if abs(nowMs - time.tangleMs) > 20_000 { account.isUnclear = true }
    state(nowMs: max(nowMs, newestMs, statedAtMs, begunAtMs))
    var shell = GRDB.Configuration()
    shell.allowsUnsafeTransactions = true
    admin = try DatabaseQueue(path: path, configuration: shell)
  }

  /// When the newest terms began that had been announced, and held while the broker ran.
  private var begunAtMs: Int64 {
    let aliveMs = account.aliveMs ?? .min
    return offers.versions.map(\.fromMs).filter { $0 <= aliveMs }.max() ?? .min
  }

  private func state(nowMs: Int64) {
    let before = offers.versions
    offers.state(stated, announced, nowMs: nowMs, firstFromMs: sinceMs)
    guard !before.isEmpty, offers.versions != before else { return }
    statedAtMs = max(statedAtMs, nowMs)
    account.noteAlive(nowMs: nowMs)
  }

  /// Ends the plugin, properly or by a crash.
  ///
  /// - Returns: It, with what it would still answer.
  func end(isCrash: Bool) throws -> SimulatedPlugin? {
    guard let plugin else { return nil }
    try heal()
    let nowMs = plugin.nowMs(time)
    account.end(nowMs: nowMs, errorMs: nowMs - time.tangleMs, isProper: !isCrash)
    try admin?.close()
    admin = nil
    (clients, logins) = ([], [:])
    if !isCrash { plugin.stop(time) }
    plugin.isBusy = false
    plugin.takeChanges()
    let old = path
    // Elsewhere, for the lock goes with the object, which is still asked.
    try makeFolder()
    for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: old + suffix) {
      try FileManager.default.copyItem(atPath: old + suffix, toPath: path + suffix)
    }
    if isCrash { plugin.ledger.close() }
    try FileManager.default.removeItem(atPath: (old as NSString).deletingLastPathComponent)
    self.plugin = nil
    return plugin
  }

  /// Reads the configuration anew.
  ///
  /// - Returns: Whether it could be; the disk may be at fault.
  func reload() throws -> Bool {
    guard let plugin, plugin.nowMs(time) > statedAtMs, plugin.nowMs(time) > newestPaidAtMs else {
      return false
    }
    // What a clock says that nobody has confirmed may be undone at the next start.
    guard plugin.isSynchronized(time), account.isOutageOver else { return false }
    let isDone = try attempt("reload") { try plugin.reload(configuration, time) }
    if isDone {
      state(nowMs: plugin.nowMs(time))
      try askAgain()
    }
    return isDone
  }

  private var newestPaidAtMs: Int64 {
    known.compactMap { tangle[$0].checkpoint?.timeMs }.max() ?? .min
  }
}
