import Foundation
import Synchronization

/// Runs what blocks on a thread of its own: the tests' own servers need the threads that Swift's
/// tasks share, and a broker's callbacks all come on one thread.
///
/// - Returns: What the body returns.
/// - Throws: What the body throws.
public func onThread<Value: Sendable>(
  _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    Thread.detachNewThread {
      continuation.resume(with: Result { try body() })
    }
  }
}

/// Waits on a thread of one's own for what is asynchronous.
///
/// - Returns: What the body returns.
/// - Throws: What the body throws.
public func waiting<Value: Sendable>(
  for body: @escaping @Sendable () async throws -> Value
) throws -> Value {
  let result = Mutex<Result<Value, any Error>?>(nil)
  let isDone = DispatchSemaphore(value: 0)
  Task {
    let value: Result<Value, any Error>
    do {
      value = .success(try await body())
    } catch {
      value = .failure(error)
    }
    result.withLock { $0 = value }
    isDone.signal()
  }
  isDone.wait()
  guard let value = result.withLock({ $0 }) else { throw POSIXError(.EIO) }
  return try value.get()
}
