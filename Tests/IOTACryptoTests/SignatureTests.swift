import COpenSSL
import Foundation
import PaywallCore
import Testing
import TestSupport

@testable import IOTACrypto

@Suite struct SignatureTests {
  private static let logins = Result { try Vectors.signatures().logins }
  private static let validLogins = Result { try logins.get().filter(\.valid) }

  private static func verdict(_ login: Vectors.Login) -> WalletLogin.Verdict {
    WalletLogin.verify(username: login.username, password: login.password, realm: login.realm)
  }

  /// The login with other bytes for a signature.
  private static func verdict(_ login: Vectors.Login, _ bytes: [UInt8]) -> WalletLogin.Verdict {
    var login = login
    login.password = login.password.prefix { $0 != "." } + "." + Base64.encode(bytes)
    return verdict(login)
  }

  private static func signature(of login: Vectors.Login) throws -> [UInt8] {
    let base64 = try #require(login.password.split(separator: ".").last)
    return try #require(Base64.decode(base64))
  }

  @Test(arguments: try Self.logins.get())
  func `a login is judged as the SDK does`(login: Vectors.Login) throws {
    let address = try #require(Address(login.username))
    #expect(
      Self.verdict(login) == (login.valid ? .valid(address, expiryS: 1_800_000_000) : .invalid))
  }

  @Test(arguments: try Vectors.signatures().transactions)
  func `a payer's signature is judged as the SDK does`(payment: Vectors.SignedPayment) throws {
    let signed = try SignedTransaction(bcs: try #require(Base64.decode(payment.signedBase64)))
    #expect("\(signed.transaction.sender)" == payment.sender)
    #expect(signed.verdict == (payment.valid ? .valid : .invalid))
  }

  @Test(arguments: try Self.validLogins.get())
  func `a login is of no other realm, address or time`(login: Vectors.Login) throws {
    var other = login
    other.realm += "."
    #expect(Self.verdict(other) == .invalid)
    other = login
    other.username = "\(PrivateKey().address)"
    #expect(Self.verdict(other) == .invalid)
    other = login
    other.password = "1800000001" + login.password.drop { $0 != "." }
    #expect(Self.verdict(other) == .invalid)
  }

  @Test(arguments: try Self.validLogins.get())
  func `a changed byte anywhere in a signature is noticed`(login: Vectors.Login) throws {
    let seed = testSeed()
    var random = SplitMix64(seed: seed)
    let good = try Self.signature(of: login)
    // Of the largest, with its ten keys, every seventh byte will do.
    for index in stride(from: 0, to: good.count, by: good.count > 500 ? 7 : 1) {
      var bytes = good
      bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      if case .valid = Self.verdict(login, bytes) {
        Issue.record("byte \(index) of \(login.name) may change; SEED=\(seed)")
      }
    }
  }

  @Test(arguments: try Self.validLogins.get())
  func `a signature that is cut off or goes on is invalid`(login: Vectors.Login) throws {
    let good = try Self.signature(of: login)
    for count in good.indices {
      #expect(Self.verdict(login, Array(good.prefix(count))) == .invalid)
    }
    #expect(Self.verdict(login, good + [0]) == .invalid)
  }

  @Test func `random bytes are no signature`() throws {
    let seed = testSeed()
    var random = SplitMix64(seed: seed)
    let digest = Bytes32.zero
    for _ in 0..<5_000 {
      // Small numbers are frequent where a multisig has its counts and variants.
      let limit = Bool.random(using: &random) ? UInt8(4) : .max
      let bytes = (0..<Int.random(in: 0...400, using: &random)).map { _ in
        UInt8.random(in: 0...limit, using: &random)
      }
      for flag in UInt8(0)...3 {
        let verdict = SignatureVerdict(serialized: [flag] + bytes) { $0.isValid(for: digest) }
        #expect(verdict != .valid, "SEED=\(seed)")
      }
    }
  }

  @Test(arguments: [EllipticCurve.secp256k1, .secp256r1])
  func `numbers and points off the curve are invalid`(curve: EllipticCurve) throws {
    let edges = [
      [UInt8](repeating: 0, count: 32), [UInt8](repeating: 0, count: 31) + [1],
      [0x7f] + [UInt8](repeating: 0xff, count: 31), [UInt8](repeating: 0xff, count: 32),
    ]
    for prefix in UInt8(0)...7 {
      for x in edges {
        for r in edges {
          for s in edges {
            #expect(!curve.isValid(signature: r + s, of: [], by: [prefix] + x))
          }
        }
      }
    }
    #expect(!curve.isValid(signature: [], of: [], by: []))
  }

  @Test func `a member that signs with a scheme that is not verified is named`() throws {
    let good = try #require(
      try Self.validLogins.get().first { $0.name == "multisig, one that is enough" })
    var bytes = try Self.signature(of: good)
    for (variant, scheme) in [(UInt8(3), SignatureScheme.zkLogin), (4, .passkey)] {
      bytes[2] = variant
      #expect(Self.verdict(good, bytes) == .unsupported(scheme))
    }
    bytes[2] = 5
    #expect(Self.verdict(good, bytes) == .invalid)
    #expect(Self.verdict(good, [6] + bytes) == .unsupported(.passkey))
  }

  @Test func `the largest signature of a login is as large as the limit`() throws {
    var serialized: [UInt8] = [3, 10]
    for _ in 0..<10 { serialized += [1] + [UInt8](repeating: 0, count: 64) }
    serialized += [0xff, 0x03, 10]
    for number in UInt8(0)..<10 {
      serialized += [1, 2] + [UInt8](repeating: number, count: 32) + [255]
    }
    serialized += [1, 0]
    #expect(serialized.count == MultisigSignature.maximumByteCount)
    #expect(try MultisigSignature(serialized: serialized).members.count == 10)
  }

  /// OpenSSL's queue of errors is the thread's, and the broker reads it after its own calls.
  @Test func `errors of OpenSSL neither stay nor hide the broker's`() throws {
    ERR_clear_error()
    defer { ERR_clear_error() }
    let key = [2] + [UInt8](repeating: 0xff, count: 32)
    let signature = [UInt8](repeating: 0, count: 64)
    #expect(!EllipticCurve.secp256k1.isValid(signature: signature, of: [], by: key))
    #expect(ERR_peek_error() == 0)
    #expect(EVP_PKEY_CTX_new_from_name(nil, "no such algorithm", nil) == nil)
    let brokers = ERR_peek_last_error()
    #expect(brokers != 0)
    #expect(!EllipticCurve.secp256k1.isValid(signature: signature, of: [], by: key))
    #expect(ERR_peek_last_error() == brokers)
  }
}

/// The official SDK signs with new keys, and judges flawed and changed signatures.
@Suite struct SDKSignatureTests {
  private static let python = ProcessInfo.processInfo.environment["PAYWALL_PYTHON"]

  @Test(
    .enabled(
      if: python != nil,
      "PAYWALL_PYTHON is not set; make a venv with iota-sdk==3.0.0b1 and name its Python"))
  func `the SDK and we agree about logins and payers of every scheme`() throws {
    let process = Subprocess()
    process.executableURL = URL(filePath: try #require(Self.python))
    process.arguments = [
      URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../Judges/sdk_signatures.py").standardized.path(), "20",
    ]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
    let judged: Vectors.Signatures = try Vectors.decode(output)
    for login in judged.logins {
      let verdict = WalletLogin.verify(
        username: login.username, password: login.password, realm: login.realm)
      let isValid = if case .valid = verdict { true } else { false }
      #expect(isValid == login.valid, "\(login)")
    }
    for payment in judged.transactions {
      let signed = try SignedTransaction(bcs: try #require(Base64.decode(payment.signedBase64)))
      #expect((signed.verdict == .valid) == payment.valid, "\(payment)")
    }
    #expect(judged.logins.count(where: \.valid) > 9 && judged.transactions.count > 3)
  }
}
