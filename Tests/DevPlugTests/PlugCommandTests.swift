import Foundation
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct PlugCommandTests {
  @Test(arguments: [SIGINT, SIGTERM])
  func `the command says where the plug is, and ends orderly with a signal`(signal: Int32) throws {
    let folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    let process = Subprocess()
    process.executableURL = folder.appending(path: "paywall-devkit")
    process.arguments = ["plug", "--port", "0", "--json"]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    defer { kill(process.processIdentifier, SIGKILL) }
    struct Ready: Decodable {
      var url: String
      var udn: String
    }
    let ready = try JSONDecoder().decode(
      Ready.self, from: output.fileHandleForReading.availableData)
    #expect(ready.url.hasPrefix("http://127.0.0.1:") && ready.udn.hasPrefix("uuid:Insight-1_0-"))
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    #expect(process.terminationReason == .exit && process.terminationStatus == 0)
  }
}
