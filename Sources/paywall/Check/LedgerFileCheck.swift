import Foundation
import Ledger

/// Whether the ledger is there, whole, and the broker's to write.
struct LedgerFileCheck {
  /// Below that a disk is as good as full; and below that it soon may be.
  private static let tooFewBytes: UInt64 = 50 << 20
  private static let fewBytes: UInt64 = 500 << 20

  let path: String
  /// How much room there is on a folder's disk, in bytes; nil where that is not known.
  var freeBytes: (String) -> UInt64? = FileStatus.freeBytes

  /// Looks at the file.
  ///
  /// - Returns: The ledger, opened for reading; nil where it is not there or of no use.
  func run(_ findings: inout Findings) -> LedgerInspection? {
    let folder = FileStatus.folder(of: path)
    guard let folderStatus = FileStatus(folder), folderStatus.isFolder else {
      findings.fail(
        "ledger-folder", folder, "the ledger's folder \(folder) is not there",
        mend: "make it, and give it to the broker's user, as with: "
          + "install -d -m 750 -o mosquitto -g mosquitto \(folder)")
      return nil
    }
    checkSpace(folder, &findings)
    guard let file = FileStatus(path) else {
      let reason = errno
      guard reason == ENOENT else {
        findings.warn(
          "ledger", path,
          "ledger \(path) cannot be looked at (\(String(cString: strerror(reason))))",
          mend: folderStatus.mendByOwner)
        return nil
      }
      findings.warn(
        "ledger", path, "ledger \(path) is not there yet",
        mend: "the broker makes it when it starts first; of a broker that has run, put it back")
      return nil
    }
    checkOwners(file, folderStatus, &findings)
    return open(file, &findings)
  }

  // MARK: - The files

  private func checkSpace(_ folder: String, _ findings: inout Findings) {
    guard let bytes = freeBytes(folder) else { return }
    let text = "\(bytes >> 20) MiB are free on the ledger's disk"
    if bytes < Self.tooFewBytes {
      findings.fail("ledger-space", folder, text, mend: "make room, or payments cannot be recorded")
    } else if bytes < Self.fewBytes {
      findings.warn("ledger-space", folder, text, mend: "make room before it is full")
    } else {
      findings.ok("ledger-space", folder, text)
    }
  }

  private func checkOwners(
    _ file: FileStatus, _ folder: FileStatus, _ findings: inout Findings
  ) {
    if !folder.isWritable(byOwnerOf: file) {
      findings.fail(
        "ledger-folder-owner", folder.path,
        "the ledger belongs to \(file.owner), who may not write in its folder \(folder.path) "
          + "(of \(folder.owner), mode \(folder.modeText))",
        mend: "give both to the broker's user, as with: chown mosquitto: \(folder.path) \(path)")
    } else if folder.mode & 0o1002 == 0o002 {
      findings.fail(
        "ledger-folder-mode", folder.path,
        "everybody may write in the ledger's folder \(folder.path) (mode \(folder.modeText))",
        mend: "run: chmod o-w \(folder.path)")
    }
    for name in [path, path + "-wal", path + "-shm", path + "-lock"] {
      guard let part = FileStatus(name) else { continue }
      if part.userID != file.userID {
        findings.fail(
          "ledger-owner", name, "\(name) belongs to \(part.owner), but the ledger to \(file.owner)",
          mend: "run: chown \(file.owner): \(name)")
      }
      if part.mode & 0o002 != 0 {
        findings.fail(
          "ledger-mode", name, "everybody may write \(name) (mode \(part.modeText))",
          mend: "run: chmod o-rwx \(name)")
      } else if part.mode & 0o004 != 0 {
        findings.warn(
          "ledger-mode", name,
          "everybody on this machine may read \(name) (mode \(part.modeText)), who paid and when",
          mend: "run: chmod o-rwx \(name)")
      }
    }
  }

  // MARK: - The contents

  private func open(_ file: FileStatus, _ findings: inout Findings) -> LedgerInspection? {
    guard file.isReadable else {
      findings.warn(
        "ledger", path, "ledger \(path) may not be read by this user",
        mend: file.mendByOwner)
      return nil
    }
    do {
      let ledger = try LedgerInspection(path: path)
      return try check(ledger, &findings) ? ledger : nil
    } catch let error as LedgerError where error.code == .cannotOpen {
      findings.warn(
        "ledger", path, "\(error)", mend: "what the ledger would tell is left out here")
      return nil
    } catch {
      findings.fail("ledger", path, "\(error)", mend: nil)
      return nil
    }
  }

  private func check(
    _ ledger: LedgerInspection, _ findings: inout Findings
  ) throws -> Bool {
    let schema = try ledger.schema()
    guard schema > 0 else {
      findings.fail(
        "ledger-schema", path, "\(path) is no ledger",
        mend: "give 'ledger' a file of its own; the broker makes it when it starts")
      return false
    }
    guard schema == LedgerInspection.currentSchema else {
      findings.warn(
        "ledger-schema", path,
        "ledger \(path) is of an older version (schema \(schema), now "
          + "\(LedgerInspection.currentSchema))",
        mend: "keep a copy; the broker brings it up to date when it starts with this version")
      return false
    }
    try ledger.checkSchema()
    Terminal.progress("Looking through the ledger …")
    defer { Terminal.progress("") }
    let damage = try ledger.damage()
    guard damage.isEmpty else {
      findings.fail(
        "ledger-integrity", path,
        "ledger \(path) is damaged: \(damage.joined(separator: "; "))",
        mend: "stop the broker, keep the file, and restore a backup")
      return false
    }
    let born = try ledger.bornAtMs().map { ", made \(Moment.describe(ms: $0))" } ?? ""
    findings.ok("ledger", path, "ledger \(path) opens and is whole (schema \(schema)\(born))")
    return true
  }
}
