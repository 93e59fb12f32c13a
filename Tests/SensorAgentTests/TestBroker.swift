import Foundation
import MQTTClient
import TestSupport

/// A real Mosquitto on a free port of 127.0.0.1, in a folder of its own.
final class TestBroker {
  let port: UInt16
  let folder: URL
  private let process = Subprocess()

  /// Starts Mosquitto and waits until it accepts connections.
  ///
  /// `settings` are further lines of mosquitto.conf, made with the folder's path.
  init(port: UInt16? = nil, settings: (URL) throws -> String = { _ in "allow_anonymous true" })
    throws
  {
    self.port = try port ?? Self.freePort()
    folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    // As root, Mosquitto becomes another user, who has to read what is here.
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
    let file = folder.appending(path: "mosquitto.conf")
    let lines = ["listener \(self.port) 127.0.0.1", try settings(folder), ""]
    try lines.joined(separator: "\n").write(to: file, atomically: true, encoding: .utf8)
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["PATH=/usr/sbin:/usr/bin:/bin", "mosquitto", "-c", file.path]
    process.standardError = FileHandle.nullDevice
    try process.run()
    try waitUntilReady()
  }

  deinit { stop() }

  /// Ends it as a power cut would, so that nothing is said to the clients.
  func stop() {
    guard process.isRunning else { return }
    // Not SIGTERM: a child of a Dispatch thread inherits its mask, which blocks that.
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    try? FileManager.default.removeItem(at: folder)
  }

  /// A client that is connected.
  func client(_ change: (inout MQTTOptions) -> Void = { _ in }) throws -> MQTTClient {
    var options = MQTTOptions(host: "127.0.0.1", port: port)
    change(&options)
    let client = try MQTTClient(options)
    try client.connect()
    return client
  }

  static func freePort() throws -> UInt16 {
    let (socket, port) = try LoopbackServer.listen(backlog: 1)
    close(socket)
    return port
  }

  static func run(_ command: String...) throws {
    let process = Subprocess()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = command
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw CocoaError(.executableLoad) }
  }

  private func waitUntilReady() throws {
    let deadline = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < deadline, process.isRunning {
      let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      defer { close(socket) }
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      let status = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      if status == 0 { return }
    }
    throw CocoaError(.executableLoad)
  }
}
