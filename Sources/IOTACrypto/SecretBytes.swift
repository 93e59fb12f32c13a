import CSodium

/// Bytes that are wiped when nobody holds them any more, and never appear in a description.
///
/// Source: https://doc.libsodium.org/memory_management
final class SecretBytes: Sendable, CustomStringConvertible, CustomReflectable {
  // Written in `init` and wiped in `deinit` only, so many threads may read it.
  private nonisolated(unsafe) let memory: UnsafeMutablePointer<UInt8>
  /// How many bytes there are.
  let count: Int

  /// Keeps a copy of the bytes.
  init(_ bytes: [UInt8]) {
    count = bytes.count
    memory = .allocate(capacity: bytes.count)
    memory.initialize(from: bytes, count: bytes.count)
  }

  deinit {
    sodium_memzero(memory, count)
    memory.deallocate()
  }

  /// Calls the body with the bytes; they must not outlive the call.
  func withBytes<Result>(_ body: (UnsafePointer<UInt8>) -> Result) -> Result {
    body(memory)
  }

  /// No more than that there is a secret.
  var description: String { "(secret)" }

  /// Nothing, so that `dump` and the like do not show the bytes.
  var customMirror: Mirror { Mirror(self, children: [:]) }
}
