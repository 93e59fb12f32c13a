import CMosquittoPlugin

/// The broker's log, on its main thread.
enum BrokerLog {
  enum Level {
    case debug, information, notice, warning, error

    fileprivate var mosquittoLevel: CInt {
      switch self {
      case .debug: MOSQ_LOG_DEBUG
      case .information: MOSQ_LOG_INFO
      case .notice: MOSQ_LOG_NOTICE
      case .warning: MOSQ_LOG_WARNING
      case .error: MOSQ_LOG_ERR
      }
    }
  }

  struct Line: Hashable {
    var level: Level
    var text: String
  }

  /// Writes a line; to be called on the main thread only.
  static func write(_ level: Level, _ text: String) {
    // Whatever came from outside must not begin a line of its own, nor end one early.
    let line = text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : "\($0)" }
    paywall_broker_log(level.mosquittoLevel, "paywall: " + line.joined())
  }
}

/// Lines that the watcher's thread has written and the main thread has not yet passed on.
///
/// The broker's log belongs to the main thread: with `log_dest topic` a line becomes a message.
final class LogQueue: Sendable {
  private let lines = Handover<BrokerLog.Line>(limit: 1000)

  /// Adds a line; drops it where a thousand already wait, for nobody reads them then.
  func write(_ level: BrokerLog.Level, _ text: String) {
    lines.add(BrokerLog.Line(level: level, text: text))
  }

  /// Takes the lines, without waiting: none where the other thread is just writing one.
  func takeAll() -> [BrokerLog.Line] { lines.takeAll() }
}
