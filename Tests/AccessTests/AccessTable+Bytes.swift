@testable import Access

/// Questions in bytes, to which the NUL is added that the broker's strings end with.
extension AccessTable {
  func mayRead(
    _ topic: UnsafeRawBufferPointer, username: UnsafeRawBufferPointer?, nowMs: Int64
  ) -> Decision {
    Self.withText(topic, username) { mayRead($0, username: $1) { nowMs } }
  }

  func mayWrite(_ topic: UnsafeRawBufferPointer, username: UnsafeRawBufferPointer?) -> Decision {
    Self.withText(topic, username) { mayWrite($0, username: $1) }
  }

  func connectionLimit(
    _ topic: UnsafeRawBufferPointer, username: UnsafeRawBufferPointer?, nowMs: Int64
  ) -> Int? {
    Self.withText(topic, username) { connectionLimit($0, username: $1, nowMs: nowMs) }
  }

  private static func withText<Result>(
    _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer?,
    _ body: (UnsafePointer<CChar>, UnsafePointer<CChar>?) -> Result
  ) -> Result {
    // Arrays of CChar pass as pointers to their elements.
    let first = first.map { CChar(bitPattern: $0) } + [0]
    guard let second else { return body(first, nil) }
    return body(first, second.map { CChar(bitPattern: $0) } + [0])
  }
}
