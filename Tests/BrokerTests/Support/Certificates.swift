import TestSupport

/// An authority for TLS, and the certificates that it has signed, in a folder.
struct Certificates {
  /// A certificate and its key, in files.
  struct Identity {
    var authorityPath: String
    var certificatePath: String
    var keyPath: String
  }

  private let scratch: Scratch

  /// Makes the authority, and a certificate for a broker on 127.0.0.1.
  init(_ scratch: Scratch) throws {
    self.scratch = scratch
    try make("authority", subject: "/CN=authority")
    try make("broker", subject: "/CN=127.0.0.1", ["-addext", "subjectAltName=IP:127.0.0.1"])
  }

  /// The broker's own.
  var broker: Identity { identity("broker") }

  /// Makes a certificate with a common name.
  func client(_ name: String) throws -> Identity {
    let file = "client-\(name.filter(\.isLetter))"
    try make(file, subject: "/CN=\(name)")
    return identity(file)
  }

  private func identity(_ file: String) -> Identity {
    Identity(
      authorityPath: scratch.path("authority.crt"), certificatePath: scratch.path("\(file).crt"),
      keyPath: scratch.path("\(file).key"))
  }

  private func make(_ file: String, subject: String, _ more: [String] = []) throws {
    let authority = identity("authority")
    let signer =
      file == "authority" ? [] : ["-CA", authority.authorityPath, "-CAkey", authority.keyPath]
    try ChildProcess.run(
      [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-days", "2", "-subj", subject, "-keyout", scratch.path("\(file).key"), "-out",
        scratch.path("\(file).crt"),
      ] + signer + more)
  }
}
