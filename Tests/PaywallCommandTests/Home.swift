import DevTangle
import Foundation
import TestSupport
import Testing

/// A home folder, and the command as its owner runs it.
final class Home: Sendable {
  struct Outcome: Sendable {
    var code: Int32
    var output: String
    var errors: String
  }

  /// The command while it runs; it is killed with the last reference to it.
  final class Run {
    private let process: Subprocess
    private let outputPath: String
    private let errorsPath: String

    fileprivate init(_ process: Subprocess, in folder: Scratch) throws {
      self.process = process
      let name = UUID().uuidString
      outputPath = try folder.write("", to: "\(name).output")
      errorsPath = try folder.write("", to: "\(name).errors")
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = try FileHandle(forWritingTo: URL(filePath: outputPath))
      process.standardError = try FileHandle(forWritingTo: URL(filePath: errorsPath))
      try process.run()
    }

    deinit { kill() }

    var output: String { Self.text(outputPath) }
    var errors: String { Self.text(errorsPath) }
    var isRunning: Bool { process.isRunning }

    func kill() {
      if process.isRunning { Glibc.kill(process.processIdentifier, SIGKILL) }
      process.waitUntilExit()
    }

    func wait() -> Outcome {
      process.waitUntilExit()
      return Outcome(code: process.terminationStatus, output: output, errors: errors)
    }

    private static func text(_ path: String) -> String {
      String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }
  }

  private struct Folder: @unchecked Sendable {
    let scratch: Scratch
  }

  private let folder: Folder

  init() throws { folder = Folder(scratch: try Scratch()) }

  func path(_ name: String) -> String { folder.scratch.path(name) }

  /// The file with the logins at a broker, and what it holds.
  func loginsPath(_ place: String) -> String {
    path(".config/mosquitto-paywall/logins/\(place).json")
  }

  func start(_ arguments: [String]) throws -> Run {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let process = Subprocess()
    process.executableURL = URL(filePath: tests).deletingLastPathComponent()
      .appending(path: "paywall")
    process.arguments = arguments
    process.environment = ["HOME": path(""), "PATH": "/usr/bin:/bin"]
    return try Run(process, in: folder.scratch)
  }

  func paywall(_ arguments: String...) async throws -> Outcome { try await paywall(arguments) }

  func paywall(_ arguments: [String]) async throws -> Outcome {
    try await onThread { try self.start(arguments).wait() }
  }

  /// Makes a wallet, with money of the tangle's.
  func fund(_ tangle: DevTangle) async throws {
    #expect(try await paywall("wallet", "new").code == 0)
    #expect(try await paywall("wallet", "faucet", "--faucet", tangle.faucetURL).code == 0)
  }
}
