import DevTangle
import Foundation
import HTTP
import IOTACrypto
import PaywallCore
import Synchronization
import TestSupport
import Testing

/// The command as a buyer runs it, against a stand-in for the broker and a tangle in memory.
@Suite(.timeLimit(.minutes(2))) struct BuyTests {
  private let home: Scratch
  private let seller = PrivateKey().address
  private let master: MasterKey

  init() throws {
    home = try Scratch()
    master = try #require(MasterKey(Array(0..<32)))
  }

  private struct Outcome: Sendable {
    var code: Int32
    var output: String
    var errors: String
  }

  private func paywall(_ arguments: String...) async throws -> Outcome {
    try await paywall(arguments)
  }

  private func paywall(_ arguments: [String]) async throws -> Outcome {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let home = home.url.path
    return try await onThread {
      let process = Process()
      process.executableURL = URL(filePath: tests).deletingLastPathComponent()
        .appending(path: "paywall")
      process.arguments = arguments
      process.environment = ["HOME": home, "PATH": "/usr/bin:/bin"]
      let (outputs, errors) = (Pipe(), Pipe())
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = outputs
      process.standardError = errors
      try process.run()
      let output = try outputs.fileHandleForReading.readToEnd() ?? Data()
      let error = try errors.fileHandleForReading.readToEnd() ?? Data()
      process.waitUntilExit()
      return Outcome(
        code: process.terminationStatus, output: String(decoding: output, as: UTF8.self),
        errors: String(decoding: error, as: UTF8.self))
    }
  }

  private func offers(
    network: String,
    change: (inout [String: JSONValue], inout [String: JSONValue]) -> Void = {
      _, _ in
    }
  ) throws -> [UInt8] {
    var offer: [String: JSONValue] = [
      "name": "live", "topics": ["sensor/live"], "price_nanos": 500_000, "per_ms": 3_600_000,
      "minimum_ms": 1000, "clients": 0,
    ]
    var message: [String: JSONValue] = [
      "address": .string("\(seller)"), "network": .string(network), "protocol": "rebased-jsonrpc",
      "realm": "127.0.0.1",
    ]
    change(&message, &offer)
    message["offers"] = [.object(offer)]
    return try Array(JSONEncoder().encode(message))
  }

  /// The claims in the payments to the seller, as a broker with the master secret reads them.
  @Sendable private static func claims(
    _ node: String, _ seller: Address, _ master: MasterKey
  ) -> [BuyerClaim?] {
    struct Page: Decodable {
      struct Transaction: Decodable { var rawTransaction: String }
      var data: [Transaction]
    }
    let endpoint = JSONRPCEndpoint(url: node, headers: [], client: HTTPClient(), timeoutMs: 60_000)
    let query: [JSONValue] = [
      [
        "filter": ["ToAddress": .string("\(seller)")], "options": ["showRawInput": true],
      ], nil, nil, false,
    ]
    guard let page = try? endpoint.call("iotax_queryTransactionBlocks", query, as: Page.self) else {
      return []
    }
    return page.data.map { transaction in
      let bytes = Base64.decode(transaction.rawTransaction[...]) ?? []
      guard let start = bytes.firstRange(of: Array(#"{"sealed":""#.utf8)) else { return nil }
      return master.open(Array(bytes[start.upperBound...].prefix { $0 != UInt8(ascii: "\"") }))
    }
  }

  /// A broker that lets in whoever has paid for the login.
  private func broker(_ tangle: DevTangle, offers: [UInt8], key: String? = nil) throws -> StandIn {
    let (node, seller, master) = (tangle.nodeURL, seller, master)
    return try StandIn(
      accepts: { login in
        guard let username = login.username, let password = login.password else { return true }
        if WalletLogin.verify(username: username, password: password, realm: "127.0.0.1")
          != .notAWallet
        {
          return true
        }
        guard let name = Name(username) else { return false }
        let hash = master.passwordHash(name: name, password: password.utf8)
        return Self.claims(node, seller, master).contains { $0?.passwordHash == hash }
      },
      messages: { filter in
        switch filter {
        case "$SYS/paywall/offers": return [(filter, offers)]
        case "$SYS/paywall/key":
          let new = master.newMemoKey()
          return [(filter, Array(#"{"id":"\#(new.id.text)","key":"\#(key ?? new.text)"}"#.utf8))]
        case "$SYS/paywall/account":
          let report =
            #"{"username":"buyer:x","offers":{"live":{"until":"2030-01-01T00:00:00.000Z","#
            + #""credit_nanos":0,"last_payment":null}}}"#
          return [(filter, Array(report.utf8))]
        case "sensor/live": return [(filter, Array("1.5".utf8)), (filter, [0xFF, 0])]
        default: return []
        }
      })
  }

  private func money(_ tangle: DevTangle) async throws {
    #expect(try await paywall("wallet", "new").code == 0)
    #expect(try await paywall("wallet", "faucet", "--faucet", tangle.faucetURL).code == 0)
  }

  @Test func `a stranger buys, receives, and buys again with the saved login`() async throws {
    let tangle = try await DevTangle.start()
    try await money(tangle)
    let broker = try broker(tangle, offers: try offers(network: tangle.chainIdentifier))
    let url = "mqtt://127.0.0.1:\(broker.port)"
    let node = tangle.nodeURL
    let asked = try await paywall("buy", url, "live", "--for", "1h", "--node", node)
    #expect(asked.code == 5)
    let bought = try await paywall(
      "buy", url, "live", "--for", "1h", "--node", node, "--yes", "--count", "2", "--json")
    #expect(bought.code == 0, "\(bought.errors)")
    let lines = bought.output.split(separator: "\n")
    #expect(lines.count == 2 && lines[0].contains(#""payload":"1.5""#))
    #expect(lines[1].contains(#""payload_base64":"/wA=""#))
    #expect(await tangle.balance(of: seller) == 500_000)

    let file = home.path(".config/mosquitto-paywall/logins/127.0.0.1:\(broker.port).json")
    let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
    #expect(mode == 0o600)
    let saved = try String(contentsOfFile: file, encoding: .utf8)
    let password = try #require(saved.firstMatch(of: /"password" : "([^"]+)"/)).1
    #expect(!bought.errors.contains(password))

    let again = try await paywall(
      "buy", url, "live", "--for", "2h", "--node", node, "--yes", "--count", "1", "--exec",
      "cat; echo \" $PAYWALL_TOPIC\"")
    #expect(again.code == 0 && again.output == "1.5 sensor/live\n", "\(again)")
    #expect(await tangle.balance(of: seller) == 1_500_000)
    let (recipient, secret) = (seller, master)
    let claims = try await onThread { Self.claims(node, recipient, secret) }
    #expect(claims.count == 2 && claims[0] == claims[1])
    #expect(claims.first??.offer == Array("live".utf8))
    #expect(try String(contentsOfFile: file, encoding: .utf8) == saved)

    let watched = try await paywall("watch", url, "live", "--count", "1", "-v")
    #expect(watched.code == 0 && watched.output == "sensor/live 1.5\n", "\(watched)")
    let account = try await paywall("account", url)
    #expect(account.code == 0 && account.output.contains(#""until":"2030-01-01"#))
    await tangle.stop()
  }

  @Test func `what looks wrong is not paid`() async throws {
    let tangle = try await DevTangle.start()
    try await money(tangle)
    let network = tangle.chainIdentifier
    let node = tangle.nodeURL
    let small = Base64URL.encode([UInt8](repeating: 0, count: 32))
    typealias Change = (inout [String: JSONValue], inout [String: JSONValue]) -> Void
    let wrong: [(code: Int32, arguments: [String], key: String?, change: Change)] = [
      (6, ["--seller", "\(PrivateKey().address)"], nil, { _, _ in }),
      (6, [], small, { _, _ in }),
      (1, [], nil, { message, _ in message["network"] = "6364aad5" }),
      (1, [], nil, { message, _ in message["protocol"] = "stardust" }),
      (6, [], nil, { _, offer in offer["price_nanos"] = 0 }),
      (6, [], nil, { _, offer in offer["price_nanos"] = .number(1e30) }),
      (6, [], nil, { _, offer in offer["per_ms"] = -1 }),
      (6, [], nil, { _, offer in offer["minimum_ms"] = 7_200_000 }),
      (6, [], nil, { _, offer in offer["name"] = "\u{1B}[2J" }),
      (6, [], nil, { _, offer in offer["name"] = "li\u{202E}ve" }),
      (6, [], nil, { message, _ in message["realm"] = "\u{1B}[2J" }),
      (6, ["--wallet-login"], nil, { message, _ in message["realm"] = "other.example" }),
    ]
    for (index, (code, arguments, key, change)) in wrong.enumerated() {
      let broker = try broker(tangle, offers: offers(network: network, change: change), key: key)
      let outcome = try await paywall(
        ["buy", "mqtt://127.0.0.1:\(broker.port)", "live", "--for", "1h", "--node", node, "--yes"]
          + arguments)
      #expect(outcome.code == code, "\(index): \(outcome.errors)")
      #expect(!outcome.errors.contains("\u{1B}") && !outcome.errors.contains("\u{202E}"))
    }
    let far = try await paywall("buy", "mqtt://198.51.100.1", "live", "--for", "1h", "--yes")
    #expect(far.code == 6 && far.errors.contains("--seller"))
    #expect(await tangle.balance(of: seller) == 0)
    await tangle.stop()
  }
}
