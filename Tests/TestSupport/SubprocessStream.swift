public import Foundation

/// What a program that is run beside the tests reads from, or writes to.
public protocol SubprocessStream: AnyObject, Sendable {
  /// The descriptor that it gets; nil for `/dev/null`.
  func descriptor(isInput: Bool) -> Int32?
  /// Closes in this process what only the program is to have open.
  ///
  /// - Throws: What closing does.
  func closeChildsEnd(isInput: Bool) throws
}

extension Pipe: SubprocessStream {
  private func childsEnd(isInput: Bool) -> FileHandle {
    isInput ? fileHandleForReading : fileHandleForWriting
  }

  /// The end that the program gets.
  public func descriptor(isInput: Bool) -> Int32? { childsEnd(isInput: isInput).fileDescriptor }

  /// Closes the end that the program gets.
  public func closeChildsEnd(isInput: Bool) throws { try childsEnd(isInput: isInput).close() }
}

extension FileHandle: SubprocessStream {
  /// The file itself.
  public func descriptor(isInput: Bool) -> Int32? {
    self === FileHandle.nullDevice ? nil : fileDescriptor
  }

  /// Leaves it open: whoever has it, closes it.
  public func closeChildsEnd(isInput: Bool) {}
}
