internal import Glibc
internal import HTTP
internal import Synchronization

/// A TP-Link Kasa plug with a meter (HS110, KP115, KP125, EP25), read over the local protocol of TCP
/// port 9999.
///
/// Firmware of 2026 may close that port; "Third-Party Compatibility" in the Kasa app opens it again.
/// The connection stays open between readings.
public final class KasaPlug: PowerSource {
  static let usualPort: UInt16 = 9999
  private static let timeoutMs: Int64 = 3000
  /// Real answers have about 120 bytes.
  private static let maximumAnswerBytes = 65_536
  private static let question = #"{"emeter":{"get_realtime":{}}}"#

  /// The plug's host and port.
  public let name: String
  private let address: PlugAddress
  private let connection = Mutex<TCPConnection?>(nil)
  private let cancellation = Cancellation()
  private let clock: @Sendable () -> Int64

  /// A plug at `HOST` or `HOST:PORT`; `clock` gives the samples their time in milliseconds.
  /// - Throws: when it is neither.
  public init(
    address: String, clock: @escaping @Sendable () -> Int64 = { MonotonicClock.nowMs() }
  ) throws(PlugError) {
    guard let place = PlugAddress("http://\(address)", usualPort: Self.usualPort) else {
      throw PlugError(
        .badAddress,
        "\"\(SafeText.line(address, maximumCount: 60))\" is no address of a Kasa plug; it looks like "
          + "192.168.1.20.")
    }
    self.address = place
    name = "kasa://\(place.host):\(place.port)"
    self.clock = clock
  }

  /// Asks the plug for its power.
  public func read() throws(PlugError) -> PowerSample {
    try sample(in: try answer())
  }

  /// Ends a running read and all later ones, from any thread.
  public func cancel() { cancellation.set() }

  /// Asks over the connection of the last reading, or over a new one where the plug has closed that
  /// meanwhile.
  private func answer() throws(PlugError) -> [UInt8] {
    guard let host = address.numericHost() else {
      throw PlugError(
        .noAnswer, "\(name): the name \(address.host) has no IPv4 address; use the plug's number.")
    }
    let untilMs = MonotonicClock.nowMs() + Self.timeoutMs
    let outcome = connection.withLock { connection -> Result<[UInt8], TCPConnection.Failure> in
      if let kept = connection {
        connection = nil
        if case .success(let answer) = Self.exchange(over: kept, untilMs: untilMs) {
          connection = kept
          return .success(answer)
        }
      }
      return Result { () throws(TCPConnection.Failure) in
        let new = try TCPConnection(
          host: host, port: address.port, untilMs: untilMs, cancellation: cancellation)
        let answer = try Self.exchange(over: new, untilMs: untilMs).get()
        connection = new
        return answer
      }
    }
    switch outcome {
    case .success(let answer): return answer
    case .failure(let failure): throw error(failure)
    }
  }

  private static func exchange(
    over connection: TCPConnection, untilMs: Int64
  ) -> Result<[UInt8], TCPConnection.Failure> {
    Result { () throws(TCPConnection.Failure) in
      try connection.send(KasaCipher.frame(question), untilMs: untilMs)
      let length = try connection.receive(4, untilMs: untilMs).reduce(0) { $0 << 8 | Int($1) }
      guard length <= maximumAnswerBytes else { throw .tooLarge }
      return KasaCipher.revealed(try connection.receive(length, untilMs: untilMs))
    }
  }

  private func error(_ failure: TCPConnection.Failure) -> PlugError {
    switch failure {
    case .cancelled: PlugError(.cancelled, "\(name): \(failure.reason).")
    case .tooLarge: PlugError(.tooLarge, "\(name): \(failure.reason); is it a Kasa plug?")
    case .system(ECONNREFUSED):
      PlugError(
        .noAnswer,
        "\(name) refuses the connection; newer firmware needs \"Third-Party Compatibility\" to be "
          + "turned on in the Kasa app.")
    default: PlugError(.noAnswer, "\(name): \(failure.reason).")
    }
  }

  /// The first hardware tells watts, all others milliwatts.
  private func sample(in answer: [UInt8]) throws(PlugError) -> PowerSample {
    let realtime = JSONPointer(of: "emeter", "get_realtime")
    guard let text = JSONValue.read(answer), case .object(let values) = realtime.value(in: text)
    else {
      throw PlugError(.unreadable, "\(name): its answer holds no readings; has the plug a meter?")
    }
    if let code = values["err_code"], code != .integer(0) {
      throw PlugError(.refusal, "\(name) says that it cannot measure; has the plug a meter?")
    }
    let isNew = values["power_mw"] != nil
    let place = PowerPlace(
      pointer: JSONPointer(of: "emeter", "get_realtime", isNew ? "power_mw" : "power"),
      wattsPerUnit: isNew ? 0.001 : 1)
    return try place.sample(in: answer, from: name, atMs: clock())
  }
}
