import Foundation

/// Unix milliseconds.
func nowMs() -> Int64 { Int64(Date().timeIntervalSince1970 * 1000) }

/// A test that cannot go on, and why.
struct TestFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
