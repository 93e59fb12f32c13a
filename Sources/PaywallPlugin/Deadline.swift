/// Bounds the time of something that can be cancelled from another thread.
enum Deadline {
  /// Runs `body`, and calls `cancel` where it takes longer.
  static func run<Result>(
    _ timeoutMs: Int64, cancel: @escaping @Sendable () -> Void, _ body: () throws -> Result
  ) rethrows -> Result {
    let isDone = Event()
    let timer = PlainThread {
      if !isDone.wait(timeoutMs: timeoutMs) { cancel() }
    }
    defer {
      isDone.signal()
      timer?.join()
    }
    return try body()
  }
}
