import PaywallCore
import TestSupport
import Testing

@testable import IOTACrypto

@Suite struct MasterKeyTests {
  private let key = MasterKey(Array(0..<32))
  private let other = MasterKey(Array(repeating: 7, count: 32))

  private func sealed(_ json: String, by key: MemoKey) throws -> [UInt8] {
    Array(try #require(key.seal(Array(json.utf8))).utf8)
  }

  @Test func `a secret has 32 bytes`() {
    #expect(MasterKey([]) == nil)
    #expect(MasterKey(Array(0..<31)) == nil)
    #expect(MasterKey(Array(0..<33)) == nil)
  }

  @Test func `a memo is opened by every broker of the same secret, and by no other`() throws {
    let key = try #require(key)
    let told = key.newMemoKey()
    // As a client hears of it.
    let heard = try #require(MemoKey(id: told.id.text, key: told.text))
    let memo = try sealed(
      #"{"username":"jane","password":"s3cret","offer":"live"}"#, by: heard)
    let claim = try #require(key.open(memo))
    #expect(claim.name == Name("jane"))
    #expect(claim.offer == Array("live".utf8))
    #expect(claim.passwordHash == key.passwordHash(name: claim.name, password: "s3cret".utf8))
    #expect(try #require(other).open(memo) == nil)
    #expect(MasterKey(Array(0..<32))?.open(memo) == claim)
  }

  @Test func `the derivations do not change, for ledgers and memos outlive versions`() throws {
    let key = try #require(key)
    #expect(key.fingerprint == "8d754478efb12fe4b41636ab7a09a5d9")
    let hash = key.passwordHash(name: try #require(Name("jane")), password: "s3cret".utf8)
    #expect(
      Hex.encode(hash.bytes)
        == "f6a3b2a3b42cfc2563a93bbf5d6ef05c802c14d12f64ff05d20e4958ea4d4139")
    let memoKey = key.memoKey(id: try #require(MemoKey.ID(Array(0..<16))))
    #expect(memoKey.text == "-wNhx9fFQJxcTjvTOC64DanUQ1kz6Gs47rG-rKmoDyI")
  }

  @Test func `name and password are hashed apart`() throws {
    let key = try #require(key)
    let hash = { (name: String, password: String) in
      Name(name).map { key.passwordHash(name: $0, password: password.utf8) }
    }
    #expect(hash("ab", "c") != hash("a", "bc"))
    #expect(hash("caf\u{E9}", "x") != hash("cafe\u{301}", "x"))
    #expect(hash("ab", "c") == hash("ab", "c"))
  }

  @Test func `whatever is flipped, cut off or added, it cannot be opened`() throws {
    let key = try #require(key)
    let memo = try sealed(#"{"username":"jane","password":"x"}"#, by: key.newMemoKey())
    let bytes = try #require(Base64URL.decode(memo))
    for position in bytes.indices {
      for bit in 0..<8 {
        var flipped = bytes
        flipped[position] ^= 1 << bit
        #expect(key.open(Array(Base64URL.encode(flipped).utf8)) == nil)
      }
      let cut = Base64URL.encode(Array(bytes[..<position]))
      #expect(key.open(Array(cut.utf8)) == nil)
    }
    #expect(key.open(Array(Base64URL.encode(bytes + [0]).utf8)) == nil)
    #expect(key.open(memo + Array("=".utf8)) == nil)
    #expect(key.open(memo) != nil)
  }

  @Test func `any bytes are no memo`() throws {
    let key = try #require(key)
    let seed = testSeed()
    var random = SplitMix64(seed: seed)
    for _ in 0..<2000 {
      let count = Int.random(in: 0...200, using: &random)
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      #expect(key.open(bytes) == nil, "SEED=\(seed)")
      #expect(key.open(Array(Base64URL.encode(bytes).utf8)) == nil, "SEED=\(seed)")
    }
    #expect(key.open(Array(repeating: UInt8(ascii: "A"), count: 1 << 20)) == nil)
  }

  @Test(arguments: [
    #"{"username":"jane"}"#, #"{"password":"x"}"#, #"{"username":"jane","password":""}"#,
    #"{"username":"","password":"x"}"#, #"{"username":"a/b","password":"x"}"#,
    #"{"username":"+","password":"x"}"#, #"{"username":"%u","password":"x"}"#,
    #"{"username":"ja\u0000ne","password":"x"}"#, #"{"username":"jane","password":"a\u0000b"}"#,
    #"{"username":"jane","username":"joe","password":"x"}"#,
    #"{"username":"jane","password":"x","offer":1}"#, #"{"username":7,"password":"x"}"#,
    "[]", "", "jane", #"{"username":"jane","password":"x"} "x""#,
  ]) func `a box without a login claims nothing`(json: String) throws {
    let key = try #require(key)
    #expect(key.open(try sealed(json, by: key.newMemoKey())) == nil)
  }

  @Test func `a long name or password claims nothing`() throws {
    let key = try #require(key)
    for (name, password) in [(65_535, 1), (65, 1), (1, 1025), (1, 12_000)] {
      let json = """
        {"username":"\(String(repeating: "n", count: name))",\
        "password":"\(String(repeating: "p", count: password))"}
        """
      #expect(key.open(try sealed(json, by: key.newMemoKey())) == nil)
    }
  }

  @Test func `the name may be written as it is inside the broker`() throws {
    let key = try #require(key)
    let memo = try sealed(#"{"username":"buyer:jane","password":"x"}"#, by: key.newMemoKey())
    #expect(key.open(memo)?.name == Name("jane"))
  }

  @Test func `a key of the wrong size is none`() throws {
    let told = try #require(key).newMemoKey()
    #expect(MemoKey(id: told.id.text, key: told.id.text) == nil)
    #expect(MemoKey(id: told.text, key: told.text) == nil)
    #expect(MemoKey(id: "", key: "") == nil)
    #expect(MemoKey(id: told.id.text + "=", key: told.text) == nil)
  }

  @Test func `with a key of small order nothing can be sealed`() throws {
    let told = try #require(key).newMemoKey()
    let zero = Base64URL.encode(Array(repeating: 0, count: 32))
    let bad = try #require(MemoKey(id: told.id.text, key: zero))
    #expect(bad.seal(Array("{}".utf8)) == nil)
  }
}
