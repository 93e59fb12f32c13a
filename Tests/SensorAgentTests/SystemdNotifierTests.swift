import Foundation
import Glibc
import TestSupport
import Testing

@testable import sensor_agent

@Suite struct SystemdNotifierTests {
  /// A socket as systemd has it, by a path or (with @) an abstract name.
  private final class Listener {
    let socket: Int32

    init(_ path: String) throws {
      socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      var bytes = Array(path.utf8)
      if path.hasPrefix("@") { bytes[0] = 0 }
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
      let size = socklen_t(2 + bytes.count + (path.hasPrefix("@") ? 0 : 1))
      let status = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, size) }
      }
      try #require(status == 0)
    }

    deinit { close(socket) }

    func next() -> String? {
      var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
      guard poll(&entry, 1, 20_000) > 0 else { return nil }
      var buffer = [UInt8](repeating: 0, count: 1024)
      let count = recv(socket, &buffer, buffer.count, 0)
      return String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
    }
  }

  @Test(arguments: [false, true])
  func `systemd hears that it runs, lives and ends`(isAbstract: Bool) throws {
    let folder = try Scratch()
    let path = isAbstract ? "@sensor-agent-\(UUID().uuidString)" : folder.path("notify")
    let listener = try Listener(path)
    let notifier = SystemdNotifier(environment: [
      "NOTIFY_SOCKET": path, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": String(getpid()),
    ])
    #expect(notifier.watchdogMs == 15_000)
    notifier.ready()
    notifier.keepAlive()
    notifier.status("2 of 3 plugs online")
    notifier.stopping()
    let heard = (0..<4).map { _ in listener.next() }
    #expect(heard == ["READY=1", "WATCHDOG=1", "STATUS=2 of 3 plugs online", "STOPPING=1"])
  }

  @Test func `without systemd, or with somebody else's variables, nothing is said`() {
    SystemdNotifier(environment: [:]).ready()
    SystemdNotifier(environment: ["NOTIFY_SOCKET": "/nowhere/at/all"]).ready()
    SystemdNotifier(environment: [
      "NOTIFY_SOCKET": "/" + String(repeating: "x", count: 500)
    ]).ready()
    let other = SystemdNotifier(environment: [
      "NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1",
    ])
    #expect(other.watchdogMs == nil)
    for wrong in ["", "-5", "many"] {
      let notifier = SystemdNotifier(environment: ["NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": wrong])
      #expect(notifier.watchdogMs == nil)
    }
  }

  @Test func `the agent itself keeps the watchdog quiet`() throws {
    let folder = try Scratch()
    let listener = try Listener(folder.path("notify"))
    let config = try folder.write("[[plug]]\nsource = \"sim\"\n", to: "agent.toml")
    let process = Subprocess()
    process.executableURL = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
      .appending(path: "sensor-agent")
    process.arguments = ["--config", config, "--dry-run"]
    process.environment = ["NOTIFY_SOCKET": folder.path("notify"), "WATCHDOG_USEC": "400000"]
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    defer { kill(process.processIdentifier, SIGKILL) }
    var heard: [String] = []
    while heard.count(where: { $0 == "WATCHDOG=1" }) < 5, let text = listener.next() {
      heard.append(text)
    }
    #expect(heard.first == "READY=1")
    #expect(heard.contains("STATUS=1 of 1 plugs online; connected to (none: dry run)"))
    kill(process.processIdentifier, SIGTERM)
    var last = listener.next()
    while let text = last, text != "STOPPING=1" { last = listener.next() }
    #expect(last == "STOPPING=1")
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
  }
}
