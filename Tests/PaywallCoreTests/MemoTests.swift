import PaywallCore
import TestSupport
import Testing

struct MemoTests {
  private func read(_ inputs: String...) -> Memo.Content {
    Memo.read(pureInputs: inputs.map { Array($0.utf8) }).content
  }

  private func plain(_ username: String, offer: String? = nil) -> Memo.Content {
    .plain(username: Array(username.utf8), offer: offer.map { Array($0.utf8) })
  }

  private func bcs(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    let length =
      bytes.count < 128
      ? [UInt8(bytes.count)] : [UInt8(bytes.count & 127 | 128), UInt8(bytes.count >> 7)]
    return length + bytes
  }

  @Test func `reads the memo of 2017`() {
    #expect(read(#"{"username":"johndoe"}"#) == plain("johndoe"))
    #expect(read(" {\n \"username\" : \"johndoe\" }\r\n") == plain("johndoe"))
    #expect(read(#"{"username":"johndoe","offer":"live"}"#) == plain("johndoe", offer: "live"))
  }

  @Test(arguments: [1, 100, 123, 127, 128, 129, 200, 5000])
  func `reads a BCS string of any length`(length: Int) {
    let padding = String(repeating: " ", count: length)
    let text = "{\"username\":\"johndoe\"}" + padding
    let memo = Memo.read(pureInputs: [bcs(text)])
    #expect(memo.content == plain("johndoe"))
    #expect(memo.text == text)
  }

  @Test(arguments: [32, 33, 45])
  func `does not take a BCS string's length for white space`(length: Int) {
    let start = #"{"username":"", "offer":""#
    let json = Array((start + String(repeating: "a", count: length - start.count - 2) + "\"}").utf8)
    #expect(json.count == length)
    let memo = Memo.read(pureInputs: [[UInt8(length)] + json])
    #expect(memo == Memo.read(pureInputs: [json]))
    #expect(memo.text?.utf8.elementsEqual(json) == true)
  }

  @Test func `finds the memo among other inputs`() {
    let inputs: [[UInt8]] = [
      [0x20, 0xA1, 0x07, 0, 0, 0, 0, 0], Array(repeating: 7, count: 32), bcs(#"{"username":"a"}"#),
    ]
    #expect(Memo.read(pureInputs: inputs).content == plain("a"))
  }

  @Test func `keeps a sealed memo closed`() {
    #expect(read(#"{"sealed":"AAEC"}"#) == .sealed(Array("AAEC".utf8)))
  }

  @Test(arguments: [
    "", "{", "{}", "[]", "null", #""username""#, #"{"user":"x"}"#, #"{'username':'x'}"#,
    #"{"username":"x"} x"#, #"{"username":"x",}"#, #"{"username":}"#, #"{"username":"x\q"}"#,
    #"{"username":"\uD800"}"#, #"{"username":"a"#, #"{"a":01,"username":"x"}"#,
    #"{"username" "x"}"#,
    #"{"nested":{"username":"x"}}"#, "{\"username\":\"a\nb\"}",
  ])
  func `takes anything else for no memo`(text: String) {
    #expect(read(text) == .none)
  }

  @Test func `ignores other members`() {
    let text = #"{"v":-1.5e+3,"a":[1,{"username":"no"},null,true,false,"x"],"username":"x"}"#
    #expect(read(text) == plain("x"))
  }

  @Test func `reads escapes`() {
    #expect(read(#"{"username":"\u0061\u00e9\ud83d\ude00\/"}"#) == plain("aé😀/"))
    #expect(read(#"{"\u0075sername":"x"}"#) == plain("x"))
  }

  @Test(arguments: [
    #"{"username":"a","username":"b"}"#, #"{"username":"a","sealed":"b"}"#, #"{"username":1}"#,
    #"{"sealed":null}"#, #"{"username":"a","offer":1}"#,
    #"{"username":"a","offer":"x","offer":"y"}"#,
  ])
  func `holds back what can be read in two ways`(text: String) {
    guard case .contradictory = read(text) else {
      Issue.record("\(read(text))")
      return
    }
  }

  @Test func `holds back two memos, even alike ones`() {
    let memo = Memo.read(pureInputs: [bcs(#"{"username":"a"}"#), Array(#"{"username":"a"}"#.utf8)])
    #expect(memo.content == .contradictory("the transaction holds 2 memos"))
    #expect(memo.text == "{\"username\":\"a\"}\n{\"username\":\"a\"}")
  }

  @Test func `is not fooled by depth`() {
    let deep = String(repeating: "[", count: 10_000)
    #expect(read(#"{"a":"# + deep) == .none)
    #expect(
      read(#"{"a":"# + deep + String(repeating: "]", count: 10_000) + #","username":"x"}"#) == .none
    )
  }

  @Test func `takes any bytes`() {
    let seed = testSeed()
    var random = SplitMix64(seed: seed)
    let alphabet = Array(#"{}[]":,\u0aeE+-. usernamesealed"#.utf8) + [0x80, 0xC3, 0xFF, 0]
    var found = 0
    for _ in 0..<20_000 {
      let count = Int.random(in: 0..<60, using: &random)
      let bytes = (0..<count).map { _ in alphabet.randomElement(using: &random) ?? 0 }
      let memo = Memo.read(pureInputs: [Array(#"{"username":"#.utf8) + bytes])
      if memo.content != .none { found += 1 }
    }
    #expect(found < 20_000, "seed \(seed)")
  }
}
