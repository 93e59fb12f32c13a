import DevTangle
import Foundation
import IOTACrypto
import PaywallCore
import TestSupport
import Testing

/// The command `paywall` as a script uses it: input, output and errors are no terminals.
@Suite struct CommandTests {
  private let folder: TemporaryFolder
  private let seller = PrivateKey().address

  init() throws {
    folder = try TemporaryFolder()
  }

  private struct Outcome: Sendable {
    var code: Int32
    var output: String
    var errors: String

    func json() throws -> [String: Answer] {
      try JSONDecoder().decode([String: Answer].self, from: Data(output.utf8))
    }
  }

  private enum Answer: Decodable, Equatable {
    case text(String)
    case number(Int64)

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let number = try? container.decode(Int64.self) {
        self = .number(number)
      } else {
        self = .text(try container.decode(String.self))
      }
    }
  }

  private func paywall(_ arguments: String..., input: String = "") async throws -> Outcome {
    try await paywall(arguments, input: input)
  }

  /// Runs the command that was built beside the tests.
  private func paywall(_ arguments: [String], input: String = "") async throws -> Outcome {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let home = folder.path
    return try await onThread {
      let process = Subprocess()
      process.executableURL = URL(filePath: tests).deletingLastPathComponent()
        .appending(path: "paywall")
      process.arguments = arguments
      process.environment = ["HOME": home]
      let (inputs, outputs, errors) = (Pipe(), Pipe(), Pipe())
      process.standardInput = inputs
      process.standardOutput = outputs
      process.standardError = errors
      try process.run()
      try inputs.fileHandleForWriting.write(contentsOf: Data(input.utf8))
      try inputs.fileHandleForWriting.close()
      let output = try outputs.fileHandleForReading.readToEnd() ?? Data()
      let error = try errors.fileHandleForReading.readToEnd() ?? Data()
      process.waitUntilExit()
      return Outcome(
        code: process.terminationStatus, output: String(decoding: output, as: UTF8.self),
        errors: String(decoding: error, as: UTF8.self))
    }
  }

  @Test func `a wallet is made where nothing else says, and keeps its words to itself`()
    async throws
  {
    let new = try await paywall("wallet", "new")
    #expect(new.code == 0)
    let path = folder.path + "/.config/mosquitto-paywall/wallet.key"
    #expect(try new.json()["key_file"] == .text(path))
    #expect(try new.json()["mnemonic"] == nil)
    let key = try PrivateKey(
      exported: try String(contentsOfFile: path, encoding: .utf8).dropLast())
    let address = try await paywall("wallet", "address")
    #expect(try address.json() == ["address": .text("\(key.address)")])
    #expect(try await paywall("wallet", "new").code == 1)
    for outcome in [new, address] {
      #expect(!outcome.output.contains("iotaprivkey") && !outcome.errors.contains("iotaprivkey"))
    }
  }

  @Test func `words and keys are imported`() async throws {
    let mnemonic = Mnemonic()
    let words = mnemonic.words.joined(separator: " ")
    let file = folder.path + "/words.key"
    let imported = try await paywall(
      "wallet", "new", "--import", "--index", "3", "--wallet", file, input: words + "\n")
    let key = PrivateKey(mnemonic, index: 3)
    #expect(try imported.json()["address"] == .text("\(key.address)"))
    let again = try await paywall(
      "wallet", "new", "--import", "--wallet", folder.path + "/key.key", input: key.exported)
    #expect(try again.json()["address"] == .text("\(key.address)"))

    for (input, reason) in [
      ("", "no mnemonic"), (words + " zoo", "24 words"),
      ("secret " + words.dropFirst(7), "mnemonic"),
      (String(key.exported.dropLast()), "checksum"),
    ] {
      let refused = try await paywall(
        "wallet", "new", "--import", "--wallet", folder.path + "/none", input: input)
      #expect(refused.code == 64 && refused.errors.contains(reason))
      #expect(input.isEmpty || !refused.errors.contains(input.suffix(30)))
    }
  }

  @Test func `a buyer gets money, pays, and has less`() async throws {
    let tangle = try await DevTangle.start()
    let node = tangle.nodeURL
    #expect(try await paywall("wallet", "new").code == 0)
    let poor = try await paywall("pay", "\(seller)", "500 i", "--yes", "--node", node)
    #expect(poor.code == 2 && poor.output.isEmpty)
    let gift = try await paywall("wallet", "faucet", "--faucet", tangle.faucetURL)
    #expect(gift.code == 0)
    guard case .number(let received) = try gift.json()["received_nanos"] else {
      Issue.record("no amount in \(gift.output)")
      return
    }
    let asked = try await paywall("pay", "\(seller)", "500 i", "--node", node)
    #expect(asked.code == 5 && asked.output.isEmpty)
    #expect(await tangle.balance(of: seller) == 0)

    let paid = try await paywall(
      "pay", "\(seller)", "500", "i", "--yes", "--username", "johndoe", "--offer", "live", "--node",
      node, "--network", tangle.chainIdentifier)
    #expect(paid.code == 0, "\(paid.errors)")
    #expect(try paid.json()["amount_nanos"] == .number(500_000))
    #expect(try paid.json()["memo"] == .text(#"{"offer":"live","username":"johndoe"}"#))
    #expect(await tangle.balance(of: seller) == 500_000)
    let balance = try await paywall("wallet", "balance", "--node", node)
    #expect(try balance.json()["balance_nanos"] == .number(received - 500_000 - 1_980_400))
    let other = try await paywall("wallet", "balance", "\(seller)", "--node", node)
    #expect(try other.json()["balance_nanos"] == .number(500_000))

    let wrong = try await paywall(
      "pay", "\(seller)", "500 i", "--yes", "--node", node, "--network", "6364aad5")
    #expect(wrong.code == 1 && wrong.errors.contains(tangle.chainIdentifier))
    #expect(await tangle.balance(of: seller) == 500_000)
    await tangle.stop()
  }

  @Test(arguments: [
    ["0x12", "500 i"], ["ADDRESS", "500"], ["ADDRESS", "500 dollars"], ["ADDRESS"],
    ["ADDRESS", "500 i", "--offer", "live"], ["ADDRESS", "500 i", "--username", "a/b"],
    ["ADDRESS", "500 i", "--memo", "{}"], ["ADDRESS", "0 nanos"], ["ADDRESS", "0.1 nanos"],
    ["ADDRESS", "500 i", "--username", "joe", "--memo", #"{"username":"joe"}"#],
  ])
  func `what cannot be meant is wrong usage`(arguments: [String]) async throws {
    #expect(try await paywall("wallet", "new").code == 0)
    let tangle = try await DevTangle.start()
    let given = arguments.map { $0 == "ADDRESS" ? "\(seller)" : $0 }
    let outcome = try await paywall(["pay"] + given + ["--yes", "--node", tangle.nodeURL])
    #expect(outcome.code == 64 && outcome.output.isEmpty && !outcome.errors.isEmpty)
    await tangle.stop()
  }

  @Test func `a login is signed for a realm and a time`() async throws {
    #expect(try await paywall("wallet", "new").code == 0)
    let beforeS = Int64(Date().timeIntervalSince1970)
    let login = try await paywall("wallet", "sign-login", "plug.example", "--for", "1h").json()
    let afterS = Int64(Date().timeIntervalSince1970)
    guard case .text(let username) = login["username"], case .text(let password) = login["password"]
    else {
      Issue.record("no username or password in \(login)")
      return
    }
    let verdict = WalletLogin.verify(
      username: username, password: password, realm: "plug.example")
    guard case .valid(_, let expiryS) = verdict else {
      Issue.record("the login is \(verdict)")
      return
    }
    #expect((beforeS + 3600...afterS + 3600).contains(expiryS))
    for period in ["31d", "0s", "500ms", "soon"] {
      let refused = try await paywall("wallet", "sign-login", "plug.example", "--for", period)
      #expect(refused.code == 64)
    }
  }
}
