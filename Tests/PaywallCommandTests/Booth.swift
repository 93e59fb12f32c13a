import Configuration
import DevTangle
import Foundation
import IOTACrypto
import Ledger
import PaywallCore
import Setup
import Synchronization
import Tangle
import TestSupport
import Testing

/// What a seller has: a tangle to be paid on, a configuration, and a ledger as a broker keeps it.
final class Booth: Sendable {
  /// A node of any protocol, whose checkpoints are made by hand.
  enum Network: Sendable {
    case rebased(DevTangle)
    case stardust(DevStardust)
  }

  /// What a command has answered.
  struct Outcome: Sendable {
    var code: Int32
    var output: String
    var errors: String
  }

  /// The tangle's clock, which the tests put on.
  final class Clock: Sendable {
    private let behindMs: Atomic<Int64>

    init(behindMs: Int64) { self.behindMs = Atomic(behindMs) }

    var nowMs: Int64 { Int64(Date().timeIntervalSince1970 * 1000) - behind }
    private var behind: Int64 { behindMs.load(ordering: .relaxed) }

    func set(behindMs: Int64) { self.behindMs.store(behindMs, ordering: .relaxed) }

    func advance(ms: Int64) { behindMs.subtract(ms, ordering: .relaxed) }
  }

  let `protocol`: PaywallConfiguration.TangleProtocol
  let network: Network
  let clock: Clock
  let seller = PrivateKey()
  let buyer = PrivateKey()
  let folder: String

  /// Opens a booth, whose clock is so far behind this machine's at first, runs the body, and takes it
  /// down.
  static func open(
    _ protocol: PaywallConfiguration.TangleProtocol, behindMs: Int64 = 0,
    _ body: (Booth) async throws -> Void
  ) async throws {
    let scratch = try Scratch()
    let booth = try await Booth(`protocol`, behindMs: behindMs, folder: scratch.url.path)
    do {
      try await body(booth)
    } catch {
      await booth.close()
      throw error
    }
    await booth.close()
  }

  private init(
    _ protocol: PaywallConfiguration.TangleProtocol, behindMs: Int64, folder: String
  ) async throws {
    self.protocol = `protocol`
    self.folder = folder
    let clock = Clock(behindMs: behindMs)
    self.clock = clock
    if `protocol` == .stardust {
      var options = DevStardust.Options()
      options.milestoneMs = nil
      options.nowMs = { clock.nowMs }
      network = .stardust(try await DevStardust.start(options))
    } else {
      var options = DevTangle.Options()
      options.checkpointMs = nil
      options.nowMs = { clock.nowMs }
      let tangle = try await DevTangle.start(options)
      _ = try await tangle.fund(buyer.address)
      network = .rebased(tangle)
    }
    try write(configuration, to: "paywall.toml")
    await makeCheckpoint()
  }

  private func close() async {
    switch network {
    case .rebased(let tangle): await tangle.stop()
    case .stardust(let tangle): await tangle.stop()
    }
  }

  // MARK: - Files

  /// Where buyers pay.
  var address: String { seller.address.description }

  func path(_ name: String) -> String { "\(folder)/\(name)" }

  var ledger: String { path("paywall.db") }

  func write(_ text: String, to name: String) throws {
    try text.write(toFile: path(name), atomically: false, encoding: .utf8)
  }

  /// Changes the configuration.
  func replace(_ text: String, with other: String) throws {
    let contents = try String(contentsOfFile: path("paywall.toml"), encoding: .utf8)
    try #require(contents.contains(text))
    try write(contents.replacing(text, with: other), to: "paywall.toml")
  }

  /// The node's URL.
  var node: String {
    switch network {
    case .rebased(let tangle):
      `protocol` == .rebasedGraphQL ? tangle.graphQLURL : tangle.nodeURL
    case .stardust(let tangle): tangle.nodeURL
    }
  }

  var networkName: String {
    switch network {
    case .rebased(let tangle): tangle.chainIdentifier
    case .stardust: "private_tangle1"
    }
  }

  private var configuration: String {
    let since = Date(timeIntervalSince1970: Double(clock.nowMs / 1000 - 3600)).ISO8601Format()
    return """
      ledger = "paywall.db"
      secret_file = "paywall.key"
      realm = "plug.test"
      [tangle]
      protocol = "\(`protocol`.rawValue)"
      nodes = ["\(node)"]
      network = "\(networkName)"
      address = "\(seller.address)"
      since = \(since)
      [access]
      free = ["sensor/1m"]
      [[account]]
      username = "agent"
      publish = ["sensor/#"]
      [[offer]]
      name = "live"
      topics = ["sensor/live"]
      price = "0.001 IOTA"
      per = "1s"
      minimum = "10s"
      """
  }

  // MARK: - Paying

  /// Pays, with a memo or without, and puts it into a checkpoint.
  @discardableResult
  func pay(
    _ amountNanos: Int64, _ memo: String? = nil, to recipient: Address? = nil
  ) async throws -> Digest {
    // No two are paid at the same time.
    clock.advance(ms: 10)
    let digest: Digest
    let recipient = recipient ?? seller.address
    let bytes = memo.map { Array($0.utf8) }
    switch network {
    case .rebased(let tangle):
      digest = try await tangle.pay(UInt64(amountNanos), to: recipient, by: buyer, memo: bytes)
    case .stardust(let tangle):
      var order = StardustOrder(
        to: recipient, amount: UInt64(amountNanos / 1000), sender: buyer.address)
      order.metadata = bytes
      digest = try await tangle.pay(order)
    }
    await makeCheckpoint()
    return digest
  }

  func makeCheckpoint() async {
    switch network {
    case .rebased(let tangle): await tangle.makeCheckpoint()
    case .stardust(let tangle): await tangle.makeMilestone()
    }
  }

  func setFaults(_ faults: Fault...) async throws {
    switch network {
    case .rebased(let tangle): try await tangle.setFaults(faults)
    case .stardust(let tangle): try await tangle.setFaults(faults)
    }
  }

  // MARK: - Reading

  /// Reads payments into the ledger as a broker does, which notes that it runs.
  func record() async throws {
    let (path, nowMs) = (path("paywall.toml"), clock.nowMs)
    try await onThread {
      let configuration = try ConfigurationFile.load(path: path)
      let tangle = configuration.tangle
      let ledger = try Ledger(path: configuration.ledger, nowMs: nowMs)
      defer { ledger.close() }
      let key = try MasterSecret.load(path: configuration.secretFile, mayCreate: true)
      try ledger.bind(secretFingerprint: key.fingerprint)
      let offers = try ledger.apply(
        offers: configuration.offers, nowMs: nowMs,
        firstFromMs: try tangle.sinceMs ?? ledger.bornAtMs())
      let source = tangle.source(warn: { Issue.record("\($0)") })
      try source.readPayments(
        after: ledger.position(
          network: tangle.network, address: tangle.address, sinceMs: tangle.sinceMs),
        isKnown: { try ledger.isKnown($0) },
        record: { page in
          _ = try ledger.record(
            page, network: tangle.network, address: tangle.address, offers: offers, nowMs: nowMs,
            open: key.open)
        })
      _ = try ledger.endOutage(atMs: nowMs, terms: .init())
      try ledger.noteAlive(nowMs: nowMs)
    }
  }

  /// What SQL answers, or does, in the ledger: the first column.
  @discardableResult
  func sql(_ text: String) throws -> [String] {
    let process = Subprocess()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["sqlite3", "-batch", ledger, text]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let answer = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(text)")
    return String(decoding: answer, as: UTF8.self).split(separator: "\n").map { String($0) }
  }

  /// Holds a write lock in the ledger until the process is ended.
  func lock() throws -> Subprocess {
    let process = Subprocess()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["sqlite3", "-interactive", ledger]
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    try input.fileHandleForWriting.write(contentsOf: Data("BEGIN IMMEDIATE; SELECT 'held';\n".utf8))
    var text = ""
    while !text.contains("held\n"), let more = try output.fileHandleForReading.read(upToCount: 1) {
      text += String(decoding: more, as: UTF8.self)
    }
    return process
  }

  // MARK: - Commands

  /// Runs the command that was built beside the tests.
  func paywall(_ arguments: String...) async throws -> Outcome { try await run(arguments) }

  /// The same.
  func run(_ arguments: [String]) async throws -> Outcome {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let folder = folder
    return try await onThread {
      let process = Subprocess()
      process.executableURL = URL(filePath: tests).deletingLastPathComponent()
        .appending(path: "paywall")
      process.arguments = arguments + ["--config", "paywall.toml"]
      process.currentDirectoryURL = URL(fileURLWithPath: folder)
      process.environment = ["HOME": folder, "PATH": "/usr/bin:/bin"]
      let (outputs, errors) = (Pipe(), Pipe())
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = outputs
      process.standardError = errors
      try process.run()
      let output = try outputs.fileHandleForReading.readToEnd() ?? Data()
      let error = try errors.fileHandleForReading.readToEnd() ?? Data()
      process.waitUntilExit()
      return Outcome(
        code: process.terminationStatus, output: String(decoding: output, as: UTF8.self),
        errors: String(decoding: error, as: UTF8.self))
    }
  }
}
