import Foundation
import IOTACrypto
import Ledger
import Setup

/// Whether the secret is there, kept to the broker, and the one that the ledger was made with.
struct SecretCheck {
  let path: String
  /// The ledger's file; nil where it is not there.
  let ledger: FileStatus?
  /// What the ledger says of its secret; nil where it says nothing, or cannot be read.
  let fingerprint: String?
  /// The folder of the ledger.
  let folder: FileStatus?

  func run(_ findings: inout Findings) {
    guard let file = FileStatus(path) else { return reportMissing(&findings) }
    var isWell = true
    if file.mode & 0o077 != 0 {
      isWell = false
      findings.fail(
        "secret-mode", path, "secret_file \(path) has mode \(file.modeText): others may use it",
        mend: "run: chmod 600 \(path)")
    }
    if let model = ledger ?? folder, model.userID != file.userID {
      isWell = false
      findings.fail(
        "secret-owner", path,
        "secret_file \(path) belongs to \(file.owner), but \(model.path) to \(model.owner)",
        mend: "run: chown \(model.owner): \(path)")
    }
    guard file.isReadable else {
      return findings.warn(
        "secret", path,
        "secret_file \(path) may not be read by this user, so whether it is right is not known",
        mend: file.mendByOwner)
    }
    guard isWell || file.mode & 0o077 == 0 else { return }
    checkContents(isWell, &findings)
  }

  private func reportMissing(_ findings: inout Findings) {
    let reason = errno
    guard reason == ENOENT else {
      return findings.fail(
        "secret", path,
        "secret_file \(path) cannot be looked at (\(String(cString: strerror(reason))))",
        mend: "its folder has to be open to the broker's user")
    }
    guard fingerprint == nil else {
      return findings.fail(
        "secret", path, "secret_file \(path) is missing, but the ledger was made with one",
        mend: "put it back, for without it nobody's password and no sealed memo can be read")
    }
    findings.ok("secret", path, "secret_file \(path) is not there yet: the broker makes it")
  }

  private func checkContents(_ isWell: Bool, _ findings: inout Findings) {
    do {
      let key = try MasterSecret.load(path: path, mayCreate: false)
      guard fingerprint == nil || fingerprint == key.fingerprint else {
        return findings.fail(
          "secret-fingerprint", path,
          "secret_file \(path) is another than the ledger was made with",
          mend: "put back the one that it was made with")
      }
      guard isWell else { return }
      let bound = fingerprint == nil ? "" : ", and it is the ledger's"
      findings.ok("secret", path, "secret_file \(path) is there, for its owner alone\(bound)")
    } catch {
      findings.fail("secret", path, "\(error)", mend: nil)
    }
  }
}
