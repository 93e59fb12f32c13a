import Foundation

/// What the thread that serves a client's connection brings.
final class Mailbox: @unchecked Sendable {
  struct State {
    var isServing = false
    var connected: Int32?
    var disconnections = 0
    var published: [Int32: Int32] = [:]
    var subscribed: [Int32: Int32] = [:]
    var unsubscribed: [Int32: Int32] = [:]
    var arrivals: [Client.Arrival] = []
  }

  private let condition = NSCondition()
  private var state = State()

  static func from(_ context: UnsafeMutableRawPointer?) -> Mailbox? {
    context.map { Unmanaged<Mailbox>.fromOpaque($0).takeUnretainedValue() }
  }

  @discardableResult
  func update<Result>(_ body: (inout State) -> Result) -> Result {
    condition.lock()
    defer { condition.unlock() }
    defer { condition.broadcast() }
    return body(&state)
  }

  /// Waits until `body` has a result; nil where the time is over first.
  func wait<Result>(_ timeoutS: Double, _ body: (inout State) -> Result?) -> Result? {
    let end = Date(timeIntervalSinceNow: timeoutS)
    condition.lock()
    defer { condition.unlock() }
    while true {
      if let result = body(&state) { return result }
      guard condition.wait(until: end) else { return body(&state) }
    }
  }
}
