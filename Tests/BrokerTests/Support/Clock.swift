import Foundation

/// Unix milliseconds.
func nowMs() -> Int64 { Int64(Date().timeIntervalSince1970 * 1000) }
