import Foundation
import Glibc
import TestSupport

/// A real broker in a folder of its own, on a port of its own; killed with the last reference to
/// it.
///
/// `PAYWALL_BROKER` names how to run it, `mosquitto` where it is missing.
final class Mosquitto {
  /// Names that are in its `password_file`; each one's password is the name and `-secret`.
  static let brokerAccounts = ["agent", "johndoe", "janedoe", "friend"]

  private static let command =
    (ProcessInfo.processInfo.environment["PAYWALL_BROKER"] ?? "mosquitto")
    .split(separator: " ").map(String.init)

  private static let pluginPath =
    ProcessInfo.processInfo.environment["PAYWALL_PLUGIN"]
    ?? URL(filePath: #filePath).deletingLastPathComponent().appending(
      path: "../../../dist/mosquitto_paywall.so"
    ).standardized.path()

  /// How `mosquitto.conf` differs from the usual.
  struct Settings {
    /// The user it runs as where root starts it.
    var user = "root"
    /// Whether there is a password file.
    var hasPasswords = true
    /// The lines about the plugin; nil: the usual two.
    var pluginLines: [String]?
    /// Whether it writes sessions to disk when it ends.
    var keepsSessions = false
    /// The lines of an `acl_file`; empty: there is none.
    var aclLines: [String] = []
    /// Whether everything that follows is the listener's alone.
    var isPerListener = false
    /// More lines, which follow those of the listener.
    var moreLines: [String] = []
    /// Whether it listens for WebSockets too.
    var hasWebSockets = false
    /// Whether it listens for TLS too, where the name in a client's certificate is its username.
    var hasIdentities = false
    /// How far its wall clock is off, in seconds; nil: it has the machine's own.
    var clockOffS: Int?
  }

  /// Its release, as 2, 0 and 11; which broker it is decides what some tests expect.
  static let version: (Int, Int, Int) = {
    // It calls a request for help a mistake.
    let scratch = try? Scratch()
    let process = scratch.flatMap {
      try? ChildProcess(command + ["-h"], outputPath: $0.path("output"))
    }
    _ = process?.exitStatus(withinS: 15)
    let found = process?.output.firstMatch(of: /mosquitto version (\d+)\.(\d+)\.(\d+)/)
    return (Int(found?.1 ?? "") ?? 0, Int(found?.2 ?? "") ?? 0, Int(found?.3 ?? "") ?? 0)
  }()

  /// The folder with all its files.
  let scratch: Scratch
  private(set) var port: UInt16 = 0
  private(set) var webSocketPort: UInt16 = 0
  private(set) var identityPort: UInt16 = 0
  /// Where it listens for TLS.
  let certificates: Certificates?
  /// How it is started the next time.
  var settings: Settings
  private var process: ChildProcess?

  /// Writes all files but `paywall.toml`; starts nothing.
  init(_ settings: Settings = Settings()) throws {
    guard FileManager.default.fileExists(atPath: Self.pluginPath) else {
      throw TestFailure("\(Self.pluginPath) is missing; run scripts/build, or set PAYWALL_PLUGIN")
    }
    scratch = try Scratch()
    self.settings = settings
    certificates = settings.hasIdentities ? try Certificates(scratch) : nil
    chmod(scratch.url.path, 0o755)
    try FileManager.default.createDirectory(
      atPath: scratch.path("ledger"), withIntermediateDirectories: false)
    // Whoever the broker runs as, in a root file system of its own even, has to write here.
    chmod(scratch.path("ledger"), 0o777)
    let passwords = Self.brokerAccounts.map { "\($0):\(Self.password(of: $0))\n" }.joined()
    let file = try scratch.write(passwords, to: "passwords")
    try ChildProcess.run(["mosquitto_passwd", "-U", file])
    chmod(file, 0o644)
    try scratch.write(settings.aclLines.joined(separator: "\n") + "\n", to: "acl")
  }

  /// Adds a broker account to the password file, which the broker reads at its next reload.
  func addAccount(_ name: String) throws {
    let file = scratch.path("passwords")
    try ChildProcess.run(["mosquitto_passwd", "-b", file, name, Self.password(of: name)])
    chmod(file, 0o644)
  }

  /// The password of a broker account.
  static func password(of name: String) -> String { "\(name)-secret" }

  /// `paywall.toml`.
  var configurationPath: String { scratch.path("paywall.toml") }
  /// Where the usual `paywall.toml` has the ledger.
  var ledgerPath: String { scratch.path("ledger/paywall.db") }
  /// Where the usual `paywall.toml` has the master secret.
  var secretPath: String { scratch.path("ledger/paywall.key") }

  // MARK: - Running

  /// Starts the broker and waits until it accepts connections.
  func start() throws {
    for _ in 1...5 {
      if port == 0 {
        (port, webSocketPort, identityPort) =
          (LocalPort.free(), LocalPort.free(), LocalPort.free())
      }
      let formerCount = runningCount
      let process = try launch()
      // It listens before it handles signals.
      let isUp = eventually(within: 15) {
        process.exitStatus != nil || LocalPort.isServed(port) && runningCount > formerCount
      }
      if isUp, process.exitStatus == nil { return }
      guard process.output.contains("Address already in use") else { break }
      port = 0
    }
    throw TestFailure("the broker does not start: \(log)")
  }

  /// How often it has said that it runs.
  private var runningCount: Int {
    log.split(separator: "\n").count {
      $0.hasPrefix("mosquitto version ") && $0.hasSuffix(" running")
    }
  }

  /// Starts the broker, which is expected to refuse.
  ///
  /// - Returns: Its exit status, and what the plugin wrote to its log.
  func refuseToStart() throws -> (status: Int32, errors: [String]) {
    port = LocalPort.free()
    let process = try launch()
    guard let status = process.exitStatus(withinS: 15) else {
      throw TestFailure("the broker started: \(log)")
    }
    return (status, pluginLines)
  }

  private func launch() throws -> ChildProcess {
    let plugin =
      settings.pluginLines ?? [
        "plugin \(Self.pluginPath)", "plugin_opt_config_file \(configurationPath)",
      ]
    let lines =
      (settings.isPerListener ? ["per_listener_settings true"] : [])
      + [
        "listener \(port) 127.0.0.1", "allow_anonymous true", "user \(settings.user)",
        "log_type all", "log_timestamp false",
      ] + moreListeners
      + (settings.keepsSessions
        ? ["persistence true", "persistence_location \(scratch.path("ledger"))/"] : [])
      + (settings.hasPasswords ? ["password_file \(scratch.path("passwords"))"] : [])
      + (settings.aclLines.isEmpty ? [] : ["acl_file \(scratch.path("acl"))"]) + plugin
      + settings.moreLines
    try scratch.write(lines.joined(separator: "\n") + "\n", to: "mosquitto.conf")
    process = nil
    let process = try ChildProcess(
      try fakeTime() + Self.command + ["-c", scratch.path("mosquitto.conf")],
      outputPath: scratch.path("mosquitto.log"))
    self.process = process
    return process
  }

  private var moreListeners: [String] {
    let webSockets = ["listener \(webSocketPort) 127.0.0.1", "protocol websockets"]
    let identities =
      certificates.map { certificates in
        [
          "listener \(identityPort) 127.0.0.1", "cafile \(certificates.broker.authorityPath)",
          "certfile \(certificates.broker.certificatePath)",
          "keyfile \(certificates.broker.keyPath)", "require_certificate true",
          "use_identity_as_username true",
        ]
      } ?? []
    return (settings.hasWebSockets ? webSockets : []) + identities
  }

  /// What starts a program with a wall clock that is off: libfaketime, which leaves the monotonic
  /// clock alone.
  ///
  /// In the broker's folder, which it sees from a root file system of its own too.
  private func fakeTime() throws -> [String] {
    guard let offS = settings.clockOffS else { return [] }
    let library = scratch.path("libfaketime.so")
    if !FileManager.default.fileExists(atPath: library) {
      guard FileManager.default.fileExists(atPath: Self.fakeTimePath) else {
        throw TestFailure("\(Self.fakeTimePath) is missing; install the package faketime")
      }
      try FileManager.default.copyItem(atPath: Self.fakeTimePath, toPath: library)
    }
    try setClock(offS: offS)
    return [
      "env", "LD_PRELOAD=\(library)", "FAKETIME_DONT_FAKE_MONOTONIC=1", "FAKETIME_NO_CACHE=1",
      "FAKETIME_TIMESTAMP_FILE=\(scratch.path("faketime"))",
    ]
  }

  private static let fakeTimePath: String = {
    let folders = try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib")
    let paths = (folders ?? []).map { "/usr/lib/\($0)/faketime/libfaketime.so.1" }
    return paths.first { FileManager.default.fileExists(atPath: $0) } ?? "libfaketime.so.1"
  }()

  /// Puts the wall clock of a broker that was started with one of its own to another time at once.
  func setClock(offS: Int) throws {
    // Never half written.
    let file = try scratch.write("\(offS >= 0 ? "+" : "")\(offS)\n", to: "faketime.next")
    rename(file, scratch.path("faketime"))
  }

  /// The two usual lines about the plugin.
  static func pluginLines(configurationPath: String) -> [String] {
    ["plugin \(pluginPath)", "plugin_opt_config_file \(configurationPath)"]
  }

  /// Whether it runs.
  var isRunning: Bool { process.map { $0.exitStatus == nil } ?? false }

  /// Sends SIGHUP.
  func reload() { process?.signal(SIGHUP) }

  /// Sends SIGTERM and waits until it has ended.
  ///
  /// - Returns: Its exit status, and how long it took in seconds.
  /// - Throws: Where it does not end.
  @discardableResult
  func stop() throws -> (status: Int32, tookS: Double) {
    let start = ContinuousClock.now
    process?.signal(SIGTERM)
    guard let status = process?.exitStatus(withinS: 20) else {
      throw TestFailure("the broker does not end: \(log)")
    }
    let took = ContinuousClock.now - start
    return (status, took / .seconds(1))
  }

  /// Ends it without notice, and returns when it has ended.
  func kill() { process = nil }

  /// Ends it without notice so many milliseconds after it was started, however far it has come.
  func startAndKill(afterMs: UInt32) throws {
    _ = try launch()
    usleep(afterMs * 1000)
    kill()
  }

  /// Ends it without notice so many milliseconds after it was told to end.
  func stopAndKill(afterMs: UInt32) {
    process?.signal(SIGTERM)
    usleep(afterMs * 1000)
    kill()
  }

  /// The user that it runs as; nil where it does not run.
  var owner: uid_t? { process?.effectiveUser }

  /// The names of its threads; none where it does not run.
  var threadNames: [String] { process?.threadNames ?? [] }

  /// Lets it have so many files open; those that it has stay open.
  func limitFiles(to count: Int) throws { try process?.limitFiles(to: count) }

  // MARK: - Its log

  /// All that it has logged, over all starts.
  var log: String {
    let data = FileManager.default.contents(atPath: scratch.path("mosquitto.log"))
    return String(decoding: data ?? Data(), as: UTF8.self)
  }

  /// What the plugin has logged, over all starts.
  var pluginLines: [String] {
    log.split(separator: "\n").map(String.init).filter { $0.contains("paywall: ") }
  }

  /// Waits until the plugin has logged something, so many times.
  func logs(_ text: String, times: Int = 1, withinS timeoutS: Double = 10) -> Bool {
    eventually(within: timeoutS) { pluginLines.count { $0.contains(text) } >= times }
  }
}
