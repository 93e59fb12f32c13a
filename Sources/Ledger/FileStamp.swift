import Glibc

/// Which file is at a path, and what changes about it when it is written to.
struct FileStamp: Equatable, Sendable {
  private let device: UInt64
  private let file: UInt64
  let size: Int64
  private let changedS: Int
  private let changedNs: Int

  init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    device = UInt64(status.st_dev)
    file = UInt64(status.st_ino)
    size = Int64(status.st_size)
    changedS = status.st_mtim.tv_sec
    changedNs = status.st_mtim.tv_nsec
  }

  /// Whether it is of the same file, whatever was written to that.
  func isSameFile(as other: FileStamp) -> Bool {
    device == other.device && file == other.file
  }
}
