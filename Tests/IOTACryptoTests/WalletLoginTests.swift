import IOTACrypto
import PaywallCore
import Testing

@Suite struct WalletLoginTests {
  let key = PrivateKey()

  @Test func `a login holds for its address, realm and expiry`() {
    let password = WalletLogin.password(key: key, realm: "plug.example", expiryS: 1_800_000_000)
    func verify(_ username: String, _ password: String, _ realm: String) -> WalletLogin.Verdict {
      WalletLogin.verify(username: username, password: password, realm: realm)
    }
    let valid = WalletLogin.Verdict.valid(key.address, expiryS: 1_800_000_000)
    #expect(verify("\(key.address)", password, "plug.example") == valid)
    #expect(verify("\(key.address)", password, "plug.example.org") == .invalid)
    #expect(verify("\(PrivateKey().address)", password, "plug.example") == .invalid)
    #expect(verify("johndoe", password, "plug.example") == .notAWallet)
    #expect(verify("0x12", password, "plug.example") == .notAWallet)
    let later = "1900000000" + password.drop { $0 != "." }
    #expect(verify("\(key.address)", later, "plug.example") == .invalid)
  }

  @Test func `what is signed is the documented text`() throws {
    let password = WalletLogin.password(key: key, realm: "plug.example", expiryS: 42)
    let base64 = try #require(password.split(separator: ".").last)
    let signature = try Signature(serialized: try #require(Base64.decode(base64)))
    let message = Array("mqtt-paywall login plug.example 42".utf8)
    #expect(signature.isValid(forPersonalMessage: message, by: key.address))
  }

  @Test func `anything else is invalid`() {
    let good = WalletLogin.password(key: key, realm: "r", expiryS: 42)
    let signature = good.dropFirst(3)
    for password in [
      "", ".", "42", "42.", ".\(signature)", "+42.\(signature)", "042.\(signature)",
      "-42.\(signature)", "0.\(signature)", "99999999999999999999.\(signature)", "42. \(signature)",
      "42.\(signature)\n", "42.\(signature)=", "42.\(signature.dropLast())", "٤٢.\(signature)",
      "42.42.\(signature)", "42." + String(repeating: "A", count: 100_000), "42.AAAA", "42\0.AA==",
    ] {
      let verdict = WalletLogin.verify(
        username: "\(key.address)", password: password, realm: "r")
      #expect(verdict == .invalid, "\(password.prefix(40))")
    }
  }

  @Test func `every changed byte of the signature makes it invalid or unsupported`() throws {
    let good = key.sign(personalMessage: Array("mqtt-paywall login r 42".utf8)).serialized
    for index in good.indices {
      for bit in 0..<8 {
        var bytes = good
        bytes[index] ^= 1 << UInt8(bit)
        let verdict = WalletLogin.verify(
          username: "\(key.address)", password: "42.\(Base64.encode(bytes))", realm: "r")
        let scheme = SignatureScheme(flag: bytes[0])
        let isKnown = [.secp256k1, .secp256r1].contains(scheme) || index > 0
        #expect(verdict == (isKnown ? .invalid : .unsupported(scheme)))
      }
    }
  }

  @Test func `base64 has one form only`() {
    #expect(Base64.decode("AA==") == [0])
    for text in ["AB==", "AA", "AA=", "AA== ", "A A==", "AA==\n", "-_==", "=", "A", "AA==AA=="] {
      #expect(Base64.decode(text) == nil, "\(text)")
    }
    #expect(Base64.decode("") == [])
  }
}
