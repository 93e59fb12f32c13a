import Foundation

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
