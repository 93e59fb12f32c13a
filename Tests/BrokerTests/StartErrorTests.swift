import DevTangle
import Foundation
import Testing
import TestSupport

/// What an admin has to mend: the broker refuses to start, and its log has one sentence that names
/// file, key or line, and what to change.
@Suite(.onOwnThread)
struct StartErrorTests {
  /// A mistake in `paywall.toml`.
  struct Mistake: CustomTestStringConvertible, Sendable {
    var name: String
    /// What stands in a file that works, and what stands there by mistake.
    var right: String
    var wrong: String
    /// What the sentence has to say, beside the file.
    var says: [String]

    var testDescription: String { name }

    init(_ name: String, _ right: String, _ wrong: String, says: String...) {
      self.name = name
      self.right = right
      self.wrong = wrong
      self.says = says
    }
  }

  @Test(arguments: [
    Mistake("a syntax error", "[tangle]", "[tangle", says: ":4", "]"),
    Mistake("an unknown key", "poll = ", "pool = ", says: ":9", "pool"),
    Mistake("an unknown table", "[access]", "[acces]", says: ":11", "acces"),
    Mistake("a wrong type", "poll = \"100ms\"", "poll = 100", says: ":9", "poll"),
    Mistake("a missing key", "realm = ", "# ", says: "realm"),
    Mistake("a malformed address", "address = \"0x", "address = \"0y", says: ":8", "address"),
    Mistake("a price without unit", "1000 nanos", "1000", says: ":17", "price"),
    Mistake("a price of nothing", "1000 nanos", "0 nanos", says: ":17", "price"),
    Mistake("a negative price", "1000 nanos", "-1 nanos", says: ":17", "price"),
    Mistake("a price finer than NANOS", "1000 nanos", "0.5 nanos", says: ":17", "price"),
    Mistake("a bad period", "per = \"1s\"", "per = \"1 lightyear\"", says: ":18", "per"),
    Mistake("a bad topic", "sensor/live", "sensor/#/live", says: ":16", "topics"),
    Mistake("a node that is no URL", "http://", "gopher://", says: ":6", "nodes"),
    Mistake("a network that is none", "network = \"", "network = \"x", says: ":7", "network"),
    Mistake(
      "an impossible username", "username = \"agent\"", "username = \"a/b\"", says: ":22",
      "username"),
  ])
  func `a mistake in the configuration stops the start`(mistake: Mistake) async throws {
    try await Shop.prepare { shop in
      let path = shop.broker.configurationPath
      let text = try String(contentsOfFile: path, encoding: .utf8)
      try #require(text.contains(mistake.right))
      let range = try #require(text.range(of: mistake.right))
      try shop.broker.scratch.write(
        text.replacingCharacters(in: range, with: mistake.wrong), to: "paywall.toml")
      try refuses(shop.broker, says: [path] + mistake.says)
    }
  }

  @Test func `a plugin line without config_file stops the start`() async throws {
    var mosquitto = Mosquitto.Settings()
    mosquitto.pluginLines = Mosquitto.pluginLines(configurationPath: "").dropLast()
    try await Shop.prepare(mosquitto) { shop in
      try refuses(shop.broker, says: ["mosquitto.conf", "plugin_opt_config_file"])
    }
  }

  @Test func `a missing file stops the start`() async throws {
    try await Shop.prepare { shop in
      try FileManager.default.removeItem(atPath: shop.broker.configurationPath)
      try refuses(
        shop.broker, says: [shop.broker.configurationPath, "No such file", "config_file"])
    }
  }

  @Test func `a folder in the place of the file stops the start`() async throws {
    try await Shop.prepare { shop in
      try FileManager.default.removeItem(atPath: shop.broker.configurationPath)
      try FileManager.default.createDirectory(
        atPath: shop.broker.configurationPath, withIntermediateDirectories: false)
      try refuses(shop.broker, says: [shop.broker.configurationPath, "config_file"])
    }
  }

  @Test func `a missing ledger folder stops the start`() async throws {
    try await Shop.prepare { shop in
      try FileManager.default.removeItem(atPath: shop.broker.scratch.path("ledger"))
      try refuses(shop.broker, says: [shop.broker.ledgerPath, "folder", "chown"])
    }
  }

  @Test func `a ledger folder of somebody else's stops the start`() async throws {
    var mosquitto = Mosquitto.Settings()
    mosquitto.user = "mosquitto"
    try await Shop.prepare(mosquitto) { shop in
      // Whoever runs this, the broker's user is not allowed to write here.
      chmod(shop.broker.scratch.path("ledger"), 0o555)
      try refuses(shop.broker, says: [shop.broker.ledgerPath, "folder", "chown"])
    }
  }

  @Test func `a ledger that is a text file stops the start, and stays as it is`() async throws {
    try await Shop.prepare { shop in
      let text = String(repeating: "This is no database. ", count: 100)
      try shop.broker.scratch.write(text, to: "ledger/paywall.db")
      try refuses(shop.broker, says: [shop.broker.ledgerPath, "no ledger"])
      #expect(try String(contentsOfFile: shop.broker.ledgerPath, encoding: .utf8) == text)
    }
  }

  @Test func `a ledger that is another program's database stops the start`() async throws {
    try await Shop.prepare { shop in
      try shop.ledger.execute("CREATE TABLE birds (name TEXT)")
      try refuses(shop.broker, says: [shop.broker.ledgerPath, "something else"])
    }
  }

  @Test func `a missing or another secret stops the start with an old ledger`() async throws {
    try await Shop.open { shop in
      try shop.broker.stop()
      let secret = try String(contentsOfFile: shop.broker.secretPath, encoding: .utf8)
      try FileManager.default.removeItem(atPath: shop.broker.secretPath)
      try refuses(shop.broker, says: ["secret_file", shop.broker.secretPath, "put it back"])
      #expect(!FileManager.default.fileExists(atPath: shop.broker.secretPath))

      let other = String(secret.reversed().drop(while: \.isWhitespace))
      try shop.broker.scratch.write(other, to: "ledger/paywall.key")
      chmod(shop.broker.secretPath, 0o600)
      try refuses(shop.broker, says: [shop.broker.ledgerPath, "secret_file", "put back"])

      try shop.broker.scratch.write("not hexadecimal", to: "ledger/paywall.key")
      try refuses(shop.broker, says: ["secret_file", shop.broker.secretPath, "hexadecimal"])

      try shop.broker.scratch.write(secret, to: "ledger/paywall.key")
      chmod(shop.broker.secretPath, 0o644)
      try refuses(shop.broker, says: [shop.broker.secretPath, "chmod 600"])

      chmod(shop.broker.secretPath, 0o600)
      try shop.broker.start()
    }
  }

  @Test func `a node of another network stops the start`() async throws {
    try await Shop.prepare(change: { $0.network = "0badf00d" }) { shop in
      try refuses(
        shop.broker, says: [shop.tangle.nodeURL, shop.tangle.chainIdentifier, "0badf00d"])
    }
  }

  @Test func `the plugin line twice stops the start`() async throws {
    let scratch = try Scratch()
    var mosquitto = Mosquitto.Settings()
    let path = scratch.path("paywall.toml")
    mosquitto.pluginLines = Array(
      repeatElement(Mosquitto.pluginLines(configurationPath: path), count: 2).joined())
    try await Shop.prepare(mosquitto) { shop in
      try scratch.write(
        shop.settings.toml(ledger: shop.broker.ledgerPath, secret: shop.broker.secretPath),
        to: "paywall.toml")
      chmod(scratch.url.path, 0o755)
      try refuses(shop.broker, says: [shop.broker.ledgerPath, "plugin line"])
    }
  }

  @Test func `a second broker with the same ledger does not start, and harms nobody`()
    async throws
  {
    try await Shop.open { shop in
      let second = try Mosquitto()
      try second.scratch.write(
        shop.settings.toml(ledger: shop.broker.ledgerPath, secret: shop.broker.secretPath),
        to: "paywall.toml")
      try refuses(second, says: [shop.broker.ledgerPath, "another broker"])
      try shop.ledger.settled(try await shop.buyer().pay(1000, username: "johndoe"))
    }
  }

  private func refuses(_ broker: Mosquitto, says words: [String]) throws {
    let before = broker.pluginLines.count
    let (status, lines) = try broker.refuseToStart()
    #expect(status != 0 && status < 128, "\(broker.log)")
    // The summary of a plugin line that works comes first where there are two.
    let summary = [
      "this is Mosquitto", "sells '", "payments go", "they are read by", "payments since",
    ]
    let errors = lines[before...].filter { line in !summary.contains { line.contains($0) } }
    let error = try #require(errors.only, "\(broker.log)")
    for word in words { #expect(error.contains(word), "\(error)") }
  }
}
