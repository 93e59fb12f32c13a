import Glibc

/// Tells systemd how the agent is (sd_notify(3), "Notes": datagrams to the socket of NOTIFY_SOCKET).
///
/// Without systemd it does nothing.
struct SystemdNotifier {
  private let path: String?
  /// How often the watchdog wants to hear something, in milliseconds; nil: never.
  let watchdogMs: Int64?

  init(environment: [String: String]) {
    path = environment["NOTIFY_SOCKET"].flatMap { path in
      path.hasPrefix("/") || path.hasPrefix("@") ? path : nil
    }
    // The variables may be those of another process that started this one.
    let isOurs = environment["WATCHDOG_PID"].map { $0 == String(getpid()) } ?? true
    let limitUs = environment["WATCHDOG_USEC"].flatMap { Int64($0) } ?? 0
    watchdogMs = path != nil && isOurs && limitUs > 0 ? max(limitUs / 2000, 1) : nil
  }

  /// The agent runs.
  func ready() { send("READY=1") }

  /// The agent is ending.
  func stopping() { send("STOPPING=1") }

  /// The agent is alive.
  func keepAlive() { send("WATCHDOG=1") }

  /// What `systemctl status` shows.
  func status(_ text: String) { send("STATUS=\(text)") }

  private func send(_ text: String) {
    guard let path, !text.contains("\n") else { return }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(path.utf8)
    // An abstract name begins with a zero byte, which is written as @.
    if path.hasPrefix("@") { bytes[0] = 0 }
    let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
    guard bytes.count < MemoryLayout<sockaddr_un>.size - offset else { return }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard socket >= 0 else { return }
    defer { close(socket) }
    let isAbstract = path.hasPrefix("@")
    let size = socklen_t(offset + bytes.count + (isAbstract ? 0 : 1))
    let message = Array(text.utf8)
    _ = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(socket, message, message.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL), $0, size)
      }
    }
  }
}
