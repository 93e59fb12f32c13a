import Configuration
import PaywallCore
import Testing

struct PaywallConfigurationTests {
  private static let address = "0x862738192e40540e0a5c9a5aca636f53b0cd76b0a9bef3386e05647feb4914ac"
  static let text = """
    ledger      = "/var/lib/mosquitto/paywall.db"
    secret_file = "paywall.key"
    realm       = "plug.example"

    [tangle]
    protocol = "rebased-jsonrpc"
    nodes    = ["https://api.mainnet.iota.cafe", "https://indexer.mainnet.iota.cafe"]
    network  = "6364AAD5"
    address  = "\(address)"
    poll     = "250ms"
    agree    = 1
    since    = 2026-11-01T00:00:00Z

    [access]
    free      = ["sensor/1m", "sensor/status"]
    subscribe = "open"

    [[offer]]
    name    = "live"
    topics  = ["sensor/live"]
    price   = "0.0005 IOTA"
    per     = "1h"
    minimum = "1s"
    clients = 0

    [[account]]
    username = "sensor-agent"
    publish  = ["sensor/#"]
    read     = ["sensor/#"]
    """

  private func parse(_ text: String) throws -> PaywallConfiguration {
    try PaywallConfiguration.parse(text, path: "/etc/mosquitto/paywall.toml")
  }

  @Test func `numbers are told every ten seconds, as often as is said, or never`() throws {
    #expect(try parse(Self.text).metrics.intervalMs == 10_000)
    for (text, expected) in [("2s", 2000), ("off", 0), ("1h", 3_600_000)] as [(String, Int64)] {
      let configuration = try parse(Self.text + "\n[metrics]\ninterval = \"\(text)\"")
      #expect(configuration.metrics.intervalMs == expected)
    }
    for text in ["2h", "never", "0s"] {
      #expect(throws: (any Error).self) {
        try parse(Self.text + "\n[metrics]\ninterval = \"\(text)\"")
      }
    }
  }

  @Test func `reads everything`() throws {
    let configuration = try parse(Self.text)
    #expect(configuration.ledger == "/var/lib/mosquitto/paywall.db")
    #expect(configuration.secretFile == "/etc/mosquitto/paywall.key")
    #expect(configuration.realm == "plug.example")
    #expect(configuration.tangle.nodes.count == 2)
    #expect(configuration.tangle.network == "6364aad5")
    #expect(configuration.tangle.address.description == Self.address)
    #expect(configuration.tangle.pollMs == 250)
    #expect(configuration.tangle.sinceMs == 1_793_491_200_000)
    #expect(configuration.access.free.map(\.description) == ["sensor/1m", "sensor/status"])
    #expect(!configuration.access.isSubscribeStrict)
    let offer = try #require(configuration.offers.first)
    #expect(offer.terms.price == 500_000)
    #expect(offer.terms.perMs == 3_600_000)
    #expect(offer.terms.minimumMs == 1000)
    #expect(offer.fromMs == nil)
    #expect(configuration.accounts.first?.username.description == "sensor-agent")
  }

  @Test func `needs little`() throws {
    let configuration = try parse(
      """
      ledger = "/l"
      secret_file = "/s"
      realm = "x"
      [tangle]
      nodes = ["http://127.0.0.1:9000"]
      network = "69a2bc64"
      address = "\(Self.address)"
      """)
    #expect(configuration.tangle.pollMs == 500)
    #expect(configuration.offers.isEmpty)
  }

  @Test func `reads what is given beside what is bought`() throws {
    #expect(try parse(Self.text).access.makesGood)
    #expect(try parse(Self.text).access.provisionalMs == 0)
    let more = "[access]\nmake_good = false\nprovisional = \"2m\""
    let access = try parse(Self.text.replacing("[access]", with: more)).access
    #expect(!access.makesGood)
    #expect(access.provisionalMs == 120_000)
  }

  /// A line of the file, what stands there instead, and what the error has to say.
  @Test(arguments: [
    ("realm       = \"plug.example\"", "", "realm: is missing"),
    ("realm       = \"plug.example\"", "realm = 1", ":3: realm: expected a string"),
    ("price   = \"0.0005 IOTA\"", "prise = \"1 IOTA\"", "offer.price: is missing"),
    ("clients = 0", "client = 0", ":24: offer.client: unknown key"),
    (
      "price   = \"0.0005 IOTA\"", "price = \"5 euro\"",
      ":21: offer.price: '5 euro' has an unknown unit"
    ),
    ("price   = \"0.0005 IOTA\"", "price = \"0 IOTA\"", ":21: offer.price: has to be more"),
    ("per     = \"1h\"", "per = \"one hour\"", ":22: offer.per: 'one hour' is no span"),
    ("per     = \"1h\"", "", "offer.per: is missing"),
    (
      "topics  = [\"sensor/live\"]", "topics = [\"a#\"]",
      ":20: offer.topics: 'a#' is no MQTT topic filter"
    ),
    (
      "topics  = [\"sensor/live\"]", "topics = \"sensor/live\"",
      ":20: offer.topics: expected a list"
    ),
    ("topics  = [\"sensor/live\"]", "topics = [\"$share/g/a\"]", "is no MQTT topic filter"),
    ("name    = \"live\"", "name = \"a/b\"", ":19: offer.name: use 1 to 64 bytes"),
    ("poll     = \"250ms\"", "poll = \"1h\"", ":10: tangle.poll: use a span from"),
    (
      "agree    = 1", "agree = 3",
      ":11: tangle.agree: 3 nodes cannot agree where nodes names 2; name more"
    ),
    ("agree    = 1", "agree = 0", ":11: tangle.agree: expected a whole number from 1"),
    (
      "since    = 2026-11-01T00:00:00Z", "since = 2026-11-01",
      ":12: tangle.since: expected a date and time"
    ),
    (
      "protocol = \"rebased-jsonrpc\"", "protocol = \"iri\"",
      ":6: tangle.protocol: 'iri' is not supported; use \"rebased-jsonrpc\" or \"rebased-graphql\" "
        + "or \"stardust\""
    ),
    (
      "network  = \"6364AAD5\"", "network = \"mainnet\"",
      ":8: tangle.network: expected a chain identifier"
    ),
    (
      "subscribe = \"open\"", "provisional = \"11m\"",
      ":16: access.provisional: payments are in a checkpoint within seconds"
    ),
    (
      "subscribe = \"open\"", "make_good = 0", ":16: access.make_good: expected true or false"
    ),
    (
      "subscribe = \"open\"", "subscribe = \"closed\"", ":16: access.subscribe: 'closed' is unknown"
    ),
    ("username = \"sensor-agent\"", "username = \"buyer:x\"", ":27: account.username: use 1 to 64"),
    ("[tangle]", "[tangled]", "tangle: is missing"),
    (
      "clients = 0",
      "clients = 0\n[[offer]]\nname = \"live\"\ntopics = [\"b\"]\nprice = \"1 i\"\nper = \"1s\"",
      "'live' stands there twice"
    ),
    (
      "address  = \"\(address)\"", "address = \"0x\(String(repeating: "0", count: 64))\"",
      "tangle.address: the example's belongs to nobody"
    ),
  ])
  func `says what to change`(line: String, replacement: String, message: String) throws {
    #expect(Self.text.contains(line))
    let text = Self.text.replacing(line, with: replacement)
    do {
      _ = try parse(text)
      Issue.record("accepted")
    } catch {
      #expect("\(error)".hasPrefix("/etc/mosquitto/paywall.toml"))
      #expect("\(error)".contains(message), "\(error)")
    }
  }

  @Test(arguments: [
    "https://a.example/", "HTTPS://A.example", "https://user@a.example", "https://a.example/b",
    "https://a.example/B", "http://a.example", "https://a.example:444",
  ]) func `the same URL twice is one node`(url: String) throws {
    let nodes = "nodes = [\"https://b.example\", \"https://a.example\", \"\(url)\"]"
    let text = Self.text.replacing(/nodes +=.*/, with: nodes)
    guard ["https://a.example/", "HTTPS://A.example"].contains(url) else {
      #expect(try parse(text).tangle.nodes.count == 3)
      return
    }
    do {
      _ = try parse(text)
      Issue.record("accepted")
    } catch {
      #expect("\(error)".contains(":7: tangle.nodes: URL 3 is the same as URL 2; name each"))
    }
  }

  @Test func `as many nodes as there are may have to agree`() throws {
    let text = Self.text.replacing("agree    = 1", with: "agree = 2")
    #expect(try parse(text).tangle.agree == 2)
  }

  @Test func `never shows a node's URL, which may hold a key`() throws {
    let text = Self.text.replacing("https://api.mainnet", with: "ftp://token@api")
    do {
      _ = try parse(text)
      Issue.record("accepted")
    } catch {
      #expect(!"\(error)".contains("token"))
      #expect("\(error)".contains(":7: tangle.nodes"))
    }
  }

  private static let stardust =
    text.replacing("rebased-jsonrpc", with: "stardust")
    .replacing("6364AAD5", with: "private_tangle1")

  @Test(arguments: [
    address, "tst1qzrzwwqe9eq9grs2tjd94jnrdafmpntkkz5mauecdczkglltfy22c3phmc5",
    "iota1qzrzwwqe9eq9grs2tjd94jnrdafmpntkkz5mauecdczkglltfy22cw7ngn2",
  ]) func `reads a Stardust tangle, its address in either form`(address: String) throws {
    let tangle = try parse(Self.stardust.replacing(Self.address, with: address)).tangle
    #expect(tangle.protocol == .stardust)
    #expect(tangle.network == "private_tangle1")
    #expect(tangle.address.description == Self.address)
  }

  @Test(arguments: [
    ("agree    = 1", "agree = 2", ":11: tangle.agree: with protocol = \"stardust\" only 1"),
    ("private_tangle1", "", ":8: tangle.network: write the networkName"),
    (
      address, "tst1qzrzwwqe9eq9grs2tjd94jnrdafmpntkkz5mauecdczkglltfy22c3phmc6",
      ":9: tangle.address"
    ),
    (address, "0x86", ":9: tangle.address: '0x86' is no address of an Ed25519 key"),
  ]) func `says what a Stardust tangle needs`(
    text: String, replacement: String, message: String
  ) throws {
    #expect(Self.stardust.contains(text))
    do {
      _ = try parse(Self.stardust.replacing(text, with: replacement))
      Issue.record("accepted")
    } catch {
      #expect("\(error)".contains(message), "\(error)")
    }
  }

  @Test func `takes a malformed address apart`() throws {
    for address in ["0x123", "iota1qz0cu5mev7zjtm0h", ""] {
      do {
        _ = try parse(Self.text.replacing(Self.address, with: address))
        Issue.record("accepted \(address)")
      } catch {
        #expect("\(error)".contains(":9: tangle.address: '\(address)' is no IOTA address"))
      }
    }
  }
}
