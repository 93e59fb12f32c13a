import Foundation

/// An HTTPS server with a certificate that it has signed itself, run by `openssl`.
///
/// It answers a GET with a page about the connection.
public final class TLSServer {
  private let process = Subprocess()
  /// Its port on 127.0.0.1.
  public private(set) var port: UInt16 = 0
  /// The certificate's file, for who wants to trust it.
  public let certificatePath: String

  /// Starts a server.
  ///
  /// - Parameters:
  ///   - scratch: Where the certificate goes.
  ///   - name: Whom it is for, as `IP:127.0.0.1`.
  /// - Throws: Where there is no `openssl`, or it fails.
  public init(in scratch: Scratch, name: String) throws {
    certificatePath = scratch.path("certificate.pem")
    let key = scratch.path("key.pem")
    let request = Subprocess()
    request.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    request.arguments = [
      "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-keyout", key, "-out", certificatePath, "-days", "1", "-subj", "/CN=node",
      "-addext", "subjectAltName=\(name)",
    ]
    request.standardError = FileHandle.nullDevice
    try request.run()
    request.waitUntilExit()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", certificatePath, "-key", key,
      "-www",
    ]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    // "ACCEPT 127.0.0.1:45678"
    var text = ""
    while port == 0 {
      let data = output.fileHandleForReading.availableData
      guard !data.isEmpty else { throw POSIXError(.EPIPE) }
      text += String(decoding: data, as: UTF8.self)
      if let match = text.firstMatch(of: /ACCEPT 127\.0\.0\.1:(\d+)\n/) {
        port = UInt16(match.1) ?? 0
      }
    }
  }

  deinit { stop() }

  /// Ends it.
  public func stop() {
    guard process.isRunning else { return }
    // It inherits a mask that may block SIGTERM.
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }
}
