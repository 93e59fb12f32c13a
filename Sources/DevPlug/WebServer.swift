import Foundation
import Glibc
import Synchronization

/// Accepts connections, reads one request from each, answers it and closes.
final class WebServer: Sendable {
  typealias Handler = @Sendable (WebRequest) -> WebAnswer

  private static let maximumConnections = 64

  let port: UInt16
  private let address: sockaddr_in
  private let stop: StopSignal
  private let handler: Handler
  private let threads = DispatchGroup()
  private let state: Mutex<State>

  private struct State {
    var listener: Descriptor?
    var connections = 0
    var requests = 0
    var unanswered = 0
    var mostUnanswered = 0
  }

  /// Listens on an IPv4 address and port (0: any free one).
  init(bind host: String, port: UInt16, handler: @escaping Handler) throws(DevPlugError) {
    stop = try StopSignal()
    self.handler = handler
    let listener = try Self.listen(try sockaddr_in(host, port: port))
    guard let address = listener.localAddress else { throw DevPlugError.system("getsockname") }
    self.address = address
    self.port = address.port
    state = Mutex(State(listener: listener))
    start(on: listener)
  }

  /// How many requests there have been, and how many at most waited for their answer at once.
  var load: (requests: Int, mostAtOnce: Int) {
    state.withLock { ($0.requests, $0.mostUnanswered) }
  }

  /// Closes the port, so that connections are refused.
  func stopListening() {
    state.withLock { state in
      // Linux refuses connections from here on, and the waiting thread wakes up.
      if let listener = state.listener { shutdown(listener.number, Int32(SHUT_RDWR)) }
      state.listener = nil
    }
  }

  /// Opens the same port again.
  func resumeListening() throws(DevPlugError) {
    guard state.withLock({ $0.listener == nil }) else { return }
    let listener = try Self.listen(address)
    state.withLock { $0.listener = listener }
    start(on: listener)
  }

  /// Ends all threads, and returns when they have ended.
  func close() {
    stop.stop()
    stopListening()
    threads.wait()
  }

  private static func listen(_ address: sockaddr_in) throws(DevPlugError) -> Descriptor {
    let listener = try Descriptor(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0), "socket")
    try listener.setOption(SOL_SOCKET, SO_REUSEADDR, 1)
    try listener.bind(address)
    guard Glibc.listen(listener.number, 16) == 0 else { throw DevPlugError.system("listen") }
    return listener
  }

  private func start(on listener: Descriptor) {
    run {
      while self.state.withLock({ $0.listener === listener }) {
        guard listener.waitUntilReadable(orStopped: self.stop, timeoutMs: -1) else { continue }
        self.accept(from: listener)
      }
    }
  }

  private func accept(from listener: Descriptor) {
    let number = Glibc.accept(listener.number, nil, nil)
    guard let connection = try? Descriptor(number, "accept") else { return }
    let isAccepted = state.withLock { state in
      guard state.connections < Self.maximumConnections else { return false }
      state.connections += 1
      return true
    }
    guard isAccepted else { return }
    run {
      self.serve(connection)
      self.state.withLock { $0.connections -= 1 }
    }
  }

  private func serve(_ connection: Descriptor) {
    guard let request = WebRequest.read(from: connection, stop: stop) else { return }
    // What is asked of the development kit is not asked of the plug.
    let weight = request.path.hasPrefix("/devkit/") ? 0 : 1
    state.withLock { state in
      state.requests += weight
      state.unanswered += weight
      state.mostUnanswered = max(state.mostUnanswered, state.unanswered)
    }
    let answer = handler(request)
    guard let bytes = answer.bytes else {
      // Nothing else is expected on the connection, so it is readable when the client closes it.
      _ = connection.waitUntilReadable(orStopped: stop, timeoutMs: -1)
      return state.withLock { $0.unanswered -= weight }
    }
    let isStopped = answer.delayMs > 0 && stop.wait(ms: answer.delayMs)
    // Before the last byte is sent: from then on, the client may rightly ask again.
    state.withLock { $0.unanswered -= weight }
    if isStopped { return }
    send(bytes, to: connection)
  }

  private func send(_ bytes: [UInt8], to connection: Descriptor) {
    var limit = timeval(tv_sec: 5, tv_usec: 0)
    setsockopt(
      connection.number, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        Glibc.send(
          connection.number, buffer[sent...].baseAddressOfSlice, bytes.count - sent,
          Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return }
      sent += count
    }
    shutdown(connection.number, Int32(SHUT_WR))
  }

  private func run(_ body: @escaping @Sendable () -> Void) {
    threads.enter()
    Thread.detachNewThread {
      body()
      self.threads.leave()
    }
  }
}

extension Slice where Base == UnsafeRawBufferPointer {
  fileprivate var baseAddressOfSlice: UnsafeRawPointer? {
    UnsafeRawBufferPointer(rebasing: self).baseAddress
  }
}
