import Foundation
import IOTACrypto
import PaywallCore
import TestSupport
import Testing
import Wallet

@testable import paywall

/// What is printed to be copied into a shell.
@Suite struct ShellTests {
  /// The words that a shell makes of a line.
  private static func words(_ line: String) throws -> [String] {
    let process = Subprocess()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", "printf '%s\\0' \(line)"]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast()
      .map { String(decoding: $0, as: UTF8.self) }
  }

  /// What IOTA's command takes as a string (`crates/iota/src/client_ptb/lexer.rs`): it ends at the
  /// quote that began it, unless a backslash is before that; and is taken as it is, backslashes too.
  private static func string(_ word: String) -> String? {
    var scalars = word.unicodeScalars[...]
    guard let quote = scalars.popFirst(), quote == "'" || quote == "\"" else { return nil }
    var content = String.UnicodeScalarView()
    var isEscaped = false
    while let scalar = scalars.popFirst() {
      if !isEscaped, scalar == quote { return scalars.isEmpty ? String(content) : nil }
      isEscaped = !isEscaped && scalar == "\\"
      content.append(scalar)
    }
    return nil
  }

  @Test(arguments: [
    #"{"sealed":"AbC-_0"}"#, #"{"username":"johndoe"}"#, #"{"username":"o'brien"}"#,
    #"{"username":"a \"b\" \\ $HOME `id` !x","offer":"it's"}"#, #"{"username":"ä€😀'́"}"#,
  ])
  func `the line for IOTA's own command carries the memo`(json: String) throws {
    let seller = PrivateKey().address
    let memo = try PaymentMemo(json: json)
    let order = PaymentOrder(to: seller, amountNanos: 500_000, memo: memo)
    let words = try Self.words(PaymentInstructions(order).command)
    #expect(
      words.prefix(10) == [
        "iota", "client", "ptb", "--split-coins", "gas", "[500000]", "--assign", "pay",
        "--transfer-objects", "[pay]",
      ])
    #expect(words.dropFirst(10).prefix(3) == ["@\(seller)", "--move-call", "std::string::utf8"])
    #expect(words.suffix(2) == ["--gas-budget", "10000000"] && words.count == 16)
    let text = try #require(Self.string(words[13]))
    // A string becomes a `vector<u8>`: its length and its bytes.
    var argument = BCSWriter()
    argument.string(text)
    let read = Memo.read(pureInputs: [argument.bytes]).content
    #expect(read == Memo.read(pureInputs: [Array(json.utf8)]).content)
    #expect(read != .none)
  }

  @Test func `the README's line carries a memo too`() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../README.md")
    let readme = try String(contentsOf: file, encoding: .utf8)
    let start = try #require(readme.firstRange(of: "iota client ptb --split-coins"))
    let end = try #require(readme[start.lowerBound...].firstRange(of: "```"))
    let words = try Self.words(String(readme[start.lowerBound..<end.lowerBound]))
    let memo = try #require(words.firstIndex(of: "std::string::utf8")).advanced(by: 1)
    let text = try #require(Self.string(words[memo]))
    #expect(
      Memo.read(pureInputs: [Array(text.utf8)]).content
        == .plain(username: Array("johndoe".utf8), offer: nil))
  }

  @Test func `without a memo there is none in it, and that is said`() {
    let order = PaymentOrder(to: PrivateKey().address, amountNanos: 1_500_000_000)
    let instructions = PaymentInstructions(order)
    #expect(!instructions.command.contains("move-call"))
    #expect(instructions.lines[1] == "Amount:  1.5 IOTA (1500000000 NANOS)")
    #expect(instructions.lines[2] == "Memo:    none; the time is the paying wallet's")
    #expect(instructions.lines.last == instructions.command)
  }

  @Test(arguments: ["live", "a b", "it's", "$HOME", "", "*", "~", "ä", "a\\b", "'́", "-x", "#x"])
  func `words mean what they say`(word: String) throws {
    #expect(try Self.words(ShellWord.quoted(word)) == [word])
    #expect(ShellWord.quoted("0xab/c.d:1") == "0xab/c.d:1")
  }
}
