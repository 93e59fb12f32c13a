import Foundation
import Ledger
import PaywallCore
import TestSupport
import Testing

@testable import paywall

/// Every command of "Look into the ledger" in the README, as it stands there.
struct ReadmeTests {
  private let seller: SellerLedger

  init() throws {
    seller = try SellerLedger()
  }

  /// The blocks of shell commands in a section.
  private func blocks(of section: String) throws -> [String] {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../README.md")
    let text = try String(contentsOf: file, encoding: .utf8)
    let start = try #require(text.range(of: "\n## \(section)\n")).upperBound
    let body = text[start...].components(separatedBy: "\n## ")[0]
    return body.components(separatedBy: "```sh\n").dropFirst().map {
      $0.components(separatedBy: "```")[0]
    }
  }

  private struct Answer: Sendable {
    var code: Int32
    var output: String
    var errors: String
  }

  /// Runs a script as an admin would, but for the places of the files.
  private func run(_ script: String) async throws -> Answer {
    let folder = seller.scratch.url.path
    try FileManager.default.createDirectory(
      atPath: folder + "/bin", withIntermediateDirectories: true)
    let paywall = try Built.folder().appending(path: "paywall").path
    try seller.scratch.write(
      "#!/bin/sh\nexec '\(paywall)' \"$@\" --config '\(folder)/paywall.toml'\n", to: "bin/paywall")
    #expect(chmod(folder + "/bin/paywall", 0o755) == 0)
    let script = script.replacing("/var/lib/mosquitto", with: folder)
      .replacing("/var/backups", with: folder + "/bin")
    return try await onThread {
      let process = Subprocess()
      process.executableURL = URL(filePath: "/bin/sh")
      process.arguments = ["-eu", "-c", script]
      process.currentDirectoryURL = URL(filePath: folder)
      process.environment = ["PATH": "\(folder)/bin:/usr/bin:/bin"]
      let (outputs, errors) = (Pipe(), Pipe())
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = outputs
      process.standardError = errors
      try process.run()
      let output = try outputs.fileHandleForReading.readToEnd() ?? Data()
      let error = try errors.fileHandleForReading.readToEnd() ?? Data()
      process.waitUntilExit()
      return Answer(
        code: process.terminationStatus, output: String(decoding: output, as: UTF8.self),
        errors: String(decoding: error, as: UTF8.self))
    }
  }

  @Test func `every command works as it stands there`() async throws {
    let nowMs = Moment.nowMs
    try seller.pay(1, 90_000_000, atMs: nowMs - 500)
    try seller.pay(2, 90_000_000, atMs: nowMs - 500, "unclaimed", reason: "no such offer")
    let blocks = try blocks(of: "Look into the ledger")
    #expect(blocks.count == 2)
    let digest = SellerLedger.digest(2)

    let commands = try await run(blocks[0].replacing("DIGEST", with: digest))
    #expect(commands.code == 0, "\(commands)")
    let lines = commands.output.split(separator: "\n").filter { !$0.contains("│") }
    for line in lines where line.hasPrefix("[") || line.hasPrefix("{") {
      _ = try JSONSerialization.jsonObject(with: Data(line.utf8))
    }
    #expect(commands.output.contains(#""decision":"allow""#), "jane may read what was assigned")
    #expect(commands.output.contains("│") && commands.output.contains(" IOTA\n"), "a plot")
    for file in ["revenue.svg", "november.csv", "bin/paywall.db"] {
      #expect(FileManager.default.fileExists(atPath: seller.scratch.path(file)), "\(file)")
    }

    let queries = try await run(blocks[1])
    #expect(queries.code == 0, "\(queries)")
    let answers = queries.output.split(separator: "\n")
    #expect(answers.contains { $0.hasPrefix("buyer:jane|live|") })
    #expect(answers.contains { $0.hasPrefix("buyer:jane|live|granted|") && $0.contains(digest) })
    #expect(answers.contains { $0.hasSuffix("|2|180000000|0.180000000") })
    #expect(answers.contains { $0.hasPrefix("johndoe|live|1|0.09|") })
    #expect(!answers.contains { $0.contains("no such offer") }, "nothing is left to decide")
    let friend = try seller.ledger.access(of: Array("friend".utf8), endingAfterMs: nowMs).access
    #expect(!friend.isEmpty)
  }
}
