import CMosquittoPlugin
import Glibc

/// Clients whose name is in a TLS certificate: with `use_identity_as_username` the broker asks nobody
/// about them.
extension Plugin {
  private typealias FreeCertificate = @Sendable @convention(c) (UnsafeMutableRawPointer?) -> Void

  /// OpenSSL's, which the broker brings; nil in a broker without TLS, where there are no certificates.
  private static let freeCertificate =
    dlsym(nil, "X509_free").map { unsafeBitCast($0, to: FreeCertificate.self) }

  /// Notes a connection that nothing told of so far, when something is asked about its client.
  ///
  /// Mosquitto 2.0 never tells of them, and 2.1 only after it has judged what waited for a session.
  /// Questions come for sessions that are offline too; those have no certificate.
  func noticeCertificate(of client: OpaquePointer) {
    let record = Self.record(of: client)
    // A client whose connection was told to have ended is asked about once more: for its will.
    guard isOnMainThread, !connections.contains(record), record != endedRecord,
      let freeCertificate = Self.freeCertificate,
      let certificate = mosquitto_client_certificate(client)
    else { return }
    freeCertificate(certificate)
    connected(client)
  }
}
