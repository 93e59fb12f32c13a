import Foundation
import Glibc
import TestSupport

/// A small disk in a file, with a file system that the kernel makes read-only when it fails.
///
/// To do so on demand, as `mount -o remount,ro` would, is refused while a file is open for writing.
struct Disk {
  /// Whether one can be made here: that takes root, loop devices, and a kernel's knobs to turn.
  static let isPossible: Bool = {
    guard let scratch = try? Scratch(),
      let disk = try? Disk(scratch.path("disk"), folder: scratch.path("folder")),
      mkdir(disk.folder, 0o755) == 0, (try? disk.mount()) != nil
    else { return false }
    defer { try? disk.unmount() }
    return (try? disk.trigger).map { access($0, W_OK) == 0 } ?? false
  }()

  let image: String
  let folder: String

  private init(image: String, folder: String) {
    (self.image, self.folder) = (image, folder)
  }

  /// A new disk.
  init(_ image: String, folder: String) throws {
    self.init(image: image, folder: folder)
    try ChildProcess.run(["truncate", "-s", "16M", image])
    try ChildProcess.run(["mkfs.ext4", "-q", "-F", image])
  }

  func mount() throws {
    try ChildProcess.run(["mount", "-o", "loop,errors=remount-ro", image, folder])
  }

  func unmount() throws { try ChildProcess.run(["umount", folder]) }

  /// Has the file system find an error: from then on nothing can be written.
  func breakDown() throws {
    try "1".write(toFile: trigger, atomically: false, encoding: .utf8)
  }

  private var trigger: String {
    get throws {
      let device = try ChildProcess.run(["findmnt", "-no", "SOURCE", folder])
      let name = device.trimmingCharacters(in: .whitespacesAndNewlines).split(separator: "/").last
      return "/sys/fs/ext4/\(name ?? "")/trigger_fs_error"
    }
  }

  /// What an admin does before it is mounted again; here with a copy, for a broker in a mount
  /// namespace of its own may still have the broken one mounted, and then the kernel would not let go
  /// of it.
  func mended() throws -> Disk {
    let copy = Disk(image: image + ".mended", folder: folder)
    try ChildProcess.run(["cp", image, copy.image])
    // 1: what was wrong is right now (e2fsck(8)).
    try ChildProcess.run(["sh", "-c", "e2fsck -fy \"$0\" || [ $? -eq 1 ]", copy.image])
    return copy
  }
}
