import Foundation
import TestSupport
import Testing

/// Wallets of all schemes log in to a real broker, by signatures of the official SDK.
///
/// `PAYWALL_PYTHON` is a Python that has iota-sdk 3.0.0b1.
@Suite(.onOwnThread)
struct SignatureLoginTests {
  private struct Judged: Decodable {
    struct Login: Decodable {
      var name: String
      var username: String
      var password: String
      var valid: Bool
    }
    var logins: [Login]
  }

  private static func logins(realm: String, expiryS: Int64) throws -> [Judged.Login] {
    guard let python = ProcessInfo.processInfo.environment["PAYWALL_PYTHON"] else {
      throw TestFailure(
        "PAYWALL_PYTHON is not set; make a venv with iota-sdk==3.0.0b1 and name its Python")
    }
    let script = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../Judges/sdk_signatures.py").standardized.path()
    let output = try ChildProcess.run([python, script, "0", realm, "\(expiryS)"])
    return try JSONDecoder().decode(Judged.self, from: Data(output.utf8)).logins
  }

  @Test func `who the SDK says has signed logs in, and nobody else`() async throws {
    try await Shop.open { shop in
      let logins = try Self.logins(realm: "plug.test", expiryS: nowMs() / 1000 + 3600)
      for login in logins where !login.valid {
        let isAccepted = try shop.accepts(login.username, login.password)
        #expect(!isAccepted, "\(login.name)")
      }
      let valid = logins.filter(\.valid)
      #expect(valid.count > 8)
      for login in valid {
        // Strangers' signatures may take a tenth of the broker's time: it may have to come again.
        let isAccepted = try eventually(within: 20) {
          try shop.accepts(login.username, login.password)
        }
        #expect(isAccepted, "\(login.name)")
      }
      #expect(shop.broker.isRunning)
    }
  }

  @Test func `a scheme that cannot be checked here is named in the log`() async throws {
    try await Shop.open { shop in
      let address = "0x" + String(repeating: "ab", count: 32)
      // Flags: https://docs.iota.org/developer/cryptography/transaction-auth/signatures
      for (flag, name) in [(UInt8(5), "zkLogin"), (6, "passkey")] {
        let signature = Data([flag] + Array(repeating: 1, count: 120)).base64EncodedString()
        let password = "\(nowMs() / 1000 + 600).\(signature)"
        let isAccepted = try shop.accepts(address, password)
        #expect(!isAccepted)
        #expect(shop.broker.logs("\(address) cannot log in: signatures of \(name)"), "\(name)")
      }
    }
  }
}
