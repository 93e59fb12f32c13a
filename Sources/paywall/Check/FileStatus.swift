import Foundation

/// Who may do what with a file, as the system tells it.
struct FileStatus {
  let path: String
  private let status: stat

  /// The status of a file; nil where there is none, or none that can be looked at: see `errno`.
  init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.path = path
    self.status = status
  }

  var mode: mode_t { status.st_mode & 0o7777 }
  var userID: uid_t { status.st_uid }
  var isFile: Bool { status.st_mode & S_IFMT == S_IFREG }
  var isFolder: Bool { status.st_mode & S_IFMT == S_IFDIR }
  /// The mode as `chmod` takes it.
  var modeText: String { String(mode, radix: 8) }
  /// The owner's name, or number where it has none.
  var owner: String { Self.name(of: userID) }

  /// What a user may do who may not read it.
  var mendByOwner: String {
    userID == 0 ? "run this as root" : "run this as root, or as with: sudo -u \(owner)"
  }

  /// Whether this user may read it.
  var isReadable: Bool { access(path, R_OK) == 0 }

  /// Whether the owner of another file may write here, as far as the modes say; the groups that
  /// they are in beside the file's are not known.
  func isWritable(byOwnerOf file: FileStatus) -> Bool {
    if file.userID == 0 { return true }
    if file.userID == userID { return mode & 0o200 != 0 }
    if file.status.st_gid == status.st_gid { return mode & 0o020 != 0 }
    return mode & 0o002 != 0
  }

  /// How much room there is for others than root on a file's disk, in bytes.
  ///
  /// Nil where that is not known, 0 where the disk can only be read.
  static func freeBytes(at path: String) -> UInt64? {
    var disk = statvfs()
    guard statvfs(path, &disk) == 0 else { return nil }
    let isReadOnly = UInt64(disk.f_flag) & UInt64(ST_RDONLY) != 0
    let (bytes, overflow) = UInt64(disk.f_bavail).multipliedReportingOverflow(
      by: UInt64(disk.f_frsize))
    return isReadOnly ? 0 : overflow ? .max : bytes
  }

  /// The folder that a file is in.
  static func folder(of path: String) -> String {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    return folder.isEmpty ? "/" : folder
  }

  private static func name(of user: uid_t) -> String {
    getpwuid(user).map { String(cString: $0.pointee.pw_name) } ?? "user \(user)"
  }
}
