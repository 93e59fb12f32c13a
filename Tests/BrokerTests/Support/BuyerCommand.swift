import DevTangle
import Foundation
import IOTACrypto
import TestSupport

/// Somebody with a wallet file and the command `paywall`, in a home of their own.
struct BuyerCommand {
  let home: Scratch
  let key = PrivateKey()
  /// Where it looks for the broker.
  var url: String
  /// The node that it pays through.
  var nodeURL: String
  private let shop: Shop

  /// A buyer with money of the shop's tangle.
  init(_ shop: Shop) async throws {
    self.shop = shop
    url = "mqtt://127.0.0.1:\(shop.broker.port)"
    nodeURL = shop.tangle.nodeURL
    home = try Scratch()
    let wallet = try home.write("\(key.exported)\n", to: "wallet.key")
    chmod(wallet, 0o600)
    try await shop.tangle.fund(key.address)
  }

  /// The command, as it runs.
  struct Run {
    let process: ChildProcess
    fileprivate let outputPath: String

    /// What it has written to its standard output.
    var output: String {
      String(decoding: FileManager.default.contents(atPath: outputPath) ?? Data(), as: UTF8.self)
    }

    /// What it has written to its standard error.
    var errors: String { process.output }

    var lines: [String] { output.split(separator: "\n").map(String.init) }

    /// Waits for its end.
    func status(withinS timeoutS: Double = 60) -> Int32? {
      process.exitStatus(withinS: timeoutS)
    }
  }

  /// Starts the command with the broker's address behind its name.
  func start(_ command: String, _ arguments: String...) throws -> Run {
    try start(command, arguments)
  }

  /// The same.
  func start(_ command: String, _ arguments: [String]) throws -> Run {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let program = URL(filePath: tests).deletingLastPathComponent().appending(path: "paywall")
    let name = UUID().uuidString
    let output = home.path("\(name).output")
    let words =
      [program.path, command, url] + arguments
      + ["--wallet", home.path("wallet.key")]
      + (command == "buy" ? ["--node", nodeURL] : [])
    let process = try ChildProcess(
      ["env", "HOME=\(home.url.path)", "sh", "-c", #"exec "$@" >"$0""#, output] + words,
      outputPath: home.path("\(name).errors"))
    return Run(process: process, outputPath: output)
  }

  /// The file with the logins that were saved, and its mode.
  func logins() throws -> (text: String, mode: Int) {
    let path = home.path(
      ".config/mosquitto-paywall/logins/127.0.0.1:\(shop.broker.port).json")
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    return (
      try String(contentsOfFile: path, encoding: .utf8),
      attributes[.posixPermissions] as? Int ?? 0
    )
  }
}
