import Glibc

/// Memory for a fixed number of plain values, zeroed, freed with its owner.
///
/// Swift's arrays count references, and check bounds by a trap that would end the broker. Who uses
/// this keeps indexes in bounds; debug builds assert it.
///
/// Unchecked, for the compiler cannot follow a pointer: nobody but the buffer has it, and a buffer that
/// cannot be copied is used by one thread at a time, whoever it is handed to.
struct FlatBuffer<Element: BitwiseCopyable>: ~Copyable, @unchecked Sendable {
  /// Room for so many.
  let count: Int
  private let start: UnsafeMutablePointer<Element>

  /// Room for so many values, every byte of them zero: to be used only where that is a value.
  ///
  /// The zeros are written, so that the first use costs no page fault later.
  init(zeros count: Int) {
    self.count = count
    let size = count * MemoryLayout<Element>.stride
    let isLarge = size >= Self.hugePage
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: max(size, 1), alignment: isLarge ? Self.hugePage : Self.cacheLines)
    // Fewer, larger pages: else most look-ups in a large table miss the TLB too.
    if isLarge { madvise(memory, size, MADV_HUGEPAGE) }
    memset(memory, 0, size)
    start = memory.bindMemory(to: Element.self, capacity: count)
  }

  deinit {
    UnsafeMutableRawPointer(start).deallocate()
  }

  /// The bytes that it takes.
  var byteCount: Int { count * MemoryLayout<Element>.stride }

  /// Where a value is.
  @inline(__always)
  func pointer(_ index: Int) -> UnsafeMutablePointer<Element> {
    assert(index >= 0 && index < count)
    return start + index
  }

  /// A value.
  @inline(__always)
  subscript(_ index: Int) -> Element {
    get { pointer(index).pointee }
    nonmutating set { pointer(index).pointee = newValue }
  }

  private static var hugePage: Int { 2 << 20 }
  /// Processors fetch cache lines in pairs.
  private static var cacheLines: Int { 128 }
}
