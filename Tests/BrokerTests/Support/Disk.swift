import Foundation
import TestSupport

/// A small disk in a file, with a file system that the kernel makes read-only when it fails.
///
/// To do so on demand, as `mount -o remount,ro` would, is refused while a file is open for writing.
struct Disk {
  let image: String
  let folder: String

  init(_ image: String, folder: String) throws {
    (self.image, self.folder) = (image, folder)
    try ChildProcess.run(["truncate", "-s", "16M", image])
    try ChildProcess.run(["mkfs.ext4", "-q", "-F", image])
  }

  func mount() throws {
    try ChildProcess.run(["mount", "-o", "loop,errors=remount-ro", image, folder])
  }

  func unmount() throws { try ChildProcess.run(["umount", folder]) }

  /// Has the file system find an error: from then on nothing can be written.
  func breakDown() throws {
    let device = try ChildProcess.run(["findmnt", "-no", "SOURCE", folder])
    let name = device.trimmingCharacters(in: .whitespacesAndNewlines).split(separator: "/").last
    try "1".write(
      toFile: "/sys/fs/ext4/\(name ?? "")/trigger_fs_error", atomically: false, encoding: .utf8)
  }

  /// What an admin does before it is mounted again.
  func mend() throws {
    // 1: what was wrong is right now (e2fsck(8)).
    try ChildProcess.run(["sh", "-c", "e2fsck -fy \"$0\" || [ $? -eq 1 ]", image])
  }
}
