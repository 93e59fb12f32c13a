import PaywallCore
import Testing

struct AccountTests {
  private let hex = String(repeating: "aB", count: 32)

  @Test func `tells the three kinds apart by their names`() throws {
    #expect(try Account(username: "johndoe") == .broker(#require(Name("johndoe"))))
    #expect(try Account(username: "buyer:johndoe") == .buyer(#require(Name("johndoe"))))
    #expect(try Account(username: "0x" + hex) == .wallet(#require(Address("0x" + hex))))
    #expect(Account(username: "0xabc")?.kind == "broker")
  }

  @Test(arguments: [
    "", "a/b", "+", "a#", "$SYS", "50%", "a:b", "buyer:", "buyer:a:b", "buyer:buyer:a", "a\nb",
    "a\u{7F}", "a\u{85}",
    String(repeating: "x", count: 65), "buyer:" + String(repeating: "x", count: 65),
  ])
  func `refuses impossible names`(username: String) {
    #expect(Account(username: username) == nil)
  }

  @Test func `every character of ASCII is in a name or not, wherever it stands`() {
    for byte in UInt8(0)..<128 {
      let isForbidden = byte < 0x20 || byte == 0x7F || "/+#$%:".utf8.contains(byte)
      for bytes in [[byte], [UInt8(ascii: "a"), byte], [byte, UInt8(ascii: "9")]] {
        #expect((Name(bytes) == nil) == isForbidden, "\(bytes)")
        #expect(Name(bytes)?.bytes == (isForbidden ? nil : bytes))
      }
    }
  }

  @Test(arguments: [0xFDD0, 0xFDEF, 0xFFFE, 0xFFFF, 0x1FFFE, 0x10FFFF] as [UInt32])
  func `refuses what Unicode holds to be no character`(value: UInt32) throws {
    let text = String(try #require(Unicode.Scalar(value)))
    #expect(Account(username: text) == nil && Account(username: "buyer:a\(text)") == nil)
  }

  @Test func `refuses bytes that are no UTF-8`() {
    #expect(Account(username: [0xC3]) == nil)
    #expect(Account(username: [0x62, 0xFF]) == nil)
  }

  @Test func `holds names that differ only in normalisation to be different`() throws {
    let composed = try #require(Account(username: "caf\u{E9}"))
    let decomposed = try #require(Account(username: "cafe\u{301}"))
    #expect(composed != decomposed)
    #expect(composed.username != decomposed.username)
    #expect(Set([composed, decomposed]).count == 2)
  }

  @Test func `writes a wallet's name in one way`() {
    #expect(Account(username: "0x" + hex)?.description == "0x" + hex.lowercased())
  }

  @Test func `knows the names that only we vouch for`() {
    #expect(Account.isReserved(username: Array("buyer:x".utf8)))
    #expect(Account.isReserved(username: Array("buyer:".utf8)))
    #expect(Account.isReserved(username: Array(("0x" + hex).utf8)))
    #expect(!Account.isReserved(username: Array("0xabc".utf8)))
    #expect(!Account.isReserved(username: Array("Buyer".utf8)))
    #expect(!Account.isReserved(username: Array(("0x" + hex + "0").utf8)))
  }
}
