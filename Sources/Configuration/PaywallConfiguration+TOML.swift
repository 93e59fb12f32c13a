import IOTACrypto
import PaywallCore
import TOML

extension PaywallConfiguration {
  init(_ root: TOMLTable) throws(TOMLError) {
    ledger = try root.path("ledger", example: "/var/lib/mosquitto/paywall.db")
    secretFile = try root.path("secret_file", example: "/var/lib/mosquitto/paywall.key")
    realm = try root.requiredString("realm", example: "plug.example")
    guard Name(realm.replacing(":", with: "")) != nil else {
      throw root.error("realm", "use the name buyers connect to, such as \"plug.example\"")
    }
    guard let tangle = try root.table("tangle") else {
      throw root.error("tangle", "is missing; add [tangle] with nodes, network and address")
    }
    self.tangle = try Tangle(tangle)
    access = try Access(try root.table("access"))
    metrics = try Metrics(try root.table("metrics"))

    offers = []
    for table in try root.tables("offer") {
      offers.append(try OfferEntry(table))
    }
    accounts = []
    for table in try root.tables("account") {
      let account = try AccountEntry(table)
      guard !accounts.contains(where: { $0.username == account.username }) else {
        throw table.error("username", "there are two accounts '\(account.username)'; merge them")
      }
      accounts.append(account)
    }
    try Self.checkVersions(offers, root)
  }

  /// Several offers of one name are its versions: all but one need to say from when they hold.
  private static func checkVersions(_ offers: [OfferEntry], _ root: TOMLTable) throws(TOMLError) {
    for (index, offer) in offers.enumerated() {
      let isRepeated = offers[..<index].contains {
        $0.terms.name == offer.terms.name && $0.fromMs == offer.fromMs
      }
      guard !isRepeated else {
        throw root.error(
          "offer",
          "'\(offer.terms.name)' stands there twice; give the later version a from = 2026-12-01T00:00:00Z"
        )
      }
    }
  }
}

extension PaywallConfiguration.Tangle {
  fileprivate init(_ table: TOMLTable) throws(TOMLError) {
    let protocolName = try table.string("protocol") ?? "rebased-jsonrpc"
    guard let `protocol` = PaywallConfiguration.TangleProtocol(rawValue: protocolName) else {
      let known = PaywallConfiguration.TangleProtocol.allCases.map { "\"\($0.rawValue)\"" }
      throw table.error(
        "protocol", "'\(protocolName)' is not supported; use \(known.joined(separator: " or "))")
    }
    self.protocol = `protocol`
    nodes = try table.strings("nodes")
    guard !nodes.isEmpty else {
      throw table.error(
        "nodes", "is missing; add a line such as nodes = [\"https://api.mainnet.iota.cafe\"]")
    }
    for node in nodes where !["http://", "https://"].contains(where: node.lowercased().hasPrefix) {
      // The URL is not shown: it may hold a key.
      throw table.error("nodes", "each node's URL has to begin with https:// or http://")
    }
    let places = nodes.map(Self.place(of:))
    for (index, place) in places.enumerated() {
      guard let first = places[..<index].firstIndex(of: place) else { continue }
      throw table.error(
        "nodes", "URL \(index + 1) is the same as URL \(first + 1); name each node once")
    }
    network = try Self.network(table, `protocol`)
    address = try Self.address(table, `protocol`)
    pollMs = try table.periodMs("poll") ?? 500
    guard (100...5000).contains(pollMs) else {
      throw table.error("poll", "use a span from \"100ms\" to \"5s\"")
    }
    agree = Int(try table.integer("agree", in: 1...100) ?? 1)
    guard agree == 1 || `protocol` != .stardust else {
      throw table.error("agree", "with protocol = \"stardust\" only 1 is supported")
    }
    guard agree <= nodes.count else {
      throw table.error(
        "agree",
        "\(agree) nodes cannot agree where nodes names \(nodes.count); name more, or use a smaller "
          + "number")
    }
    sinceMs = try table.momentMs("since")
    try table.finish()
  }

  /// What is the same for URLs of the same place: scheme and host may be written in capitals, and a
  /// slash at the end says nothing.
  private static func place(of url: String) -> String {
    let parts = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
    let start = parts.prefix(3).joined(separator: "/").lowercased()
    let path = parts.dropFirst(3).first.map { "/" + $0 } ?? ""
    return path.hasSuffix("/") ? start + path.dropLast() : start + path
  }

  private static func network(
    _ table: TOMLTable, _ protocol: PaywallConfiguration.TangleProtocol
  ) throws(TOMLError) -> String {
    guard `protocol` != .stardust else {
      let network = try table.requiredString("network", example: "private_tangle1")
      guard (1...64).contains(network.utf8.count) else {
        throw table.error(
          "network", "write the networkName that the node's /api/core/v2/info tells")
      }
      return network
    }
    let network = try table.requiredString("network", example: "6364aad5")
    guard network.count == 8, network.allSatisfy(\.isHexDigit) else {
      throw table.error(
        "network", "expected a chain identifier of 8 hexadecimal digits; mainnet is \"6364aad5\"")
    }
    return network.lowercased()
  }

  private static func address(
    _ table: TOMLTable, _ protocol: PaywallConfiguration.TangleProtocol
  ) throws(TOMLError) -> Address {
    let text = try table.requiredString("address", example: "0x…")
    if let address = Address(text) {
      guard address != Address(.zero) else {
        throw table.error(
          "address",
          "the example's belongs to nobody, and what is paid there is lost; write your own, as of: "
            + "paywall wallet new")
      }
      return address
    }
    guard `protocol` == .stardust else {
      throw table.error(
        "address", "'\(text)' is no IOTA address, which is 0x and 64 hexadecimal digits")
    }
    // A kind of 0, the hash of an Ed25519 key, and the hash.
    if let bytes = try? Bech32.decode(text).bytes, bytes.first == 0,
      let address = Address(bytes: bytes.dropFirst())
    {
      return address
    }
    throw table.error(
      "address",
      "'\(text)' is no address of an Ed25519 key: 0x and 64 hexadecimal digits, or Bech32 as tst1q…"
    )
  }
}

extension PaywallConfiguration.Access {
  private static let longestProvisionalMs: Int64 = 600_000

  fileprivate init(_ table: TOMLTable?) throws(TOMLError) {
    free = try table?.topicFilters("free") ?? []
    let subscribe = try table?.string("subscribe") ?? "open"
    guard ["open", "strict"].contains(subscribe) else {
      throw TOMLError(
        path: table?.path ?? "", line: table?.error("subscribe", "").line,
        reason: "access.subscribe: '\(subscribe)' is unknown; use \"open\" or \"strict\"")
    }
    isSubscribeStrict = subscribe == "strict"
    makesGood = try table?.boolean("make_good") ?? true
    provisionalMs = try table?.periodMs("provisional") ?? 0
    if let table, provisionalMs > Self.longestProvisionalMs {
      throw table.error(
        "provisional", "payments are in a checkpoint within seconds; use \"10m\" or less")
    }
    try table?.finish()
  }
}

extension PaywallConfiguration.Metrics {
  fileprivate init(_ table: TOMLTable?) throws(TOMLError) {
    let isOff = try table?.string("interval") == "off"
    intervalMs = isOff ? 0 : try table?.periodMs("interval") ?? 10_000
    if let table, intervalMs > 3_600_000 {
      throw table.error("interval", "use a span up to \"1h\", or \"off\"")
    }
    try table?.finish()
  }
}

extension OfferEntry {
  fileprivate init(_ table: TOMLTable) throws(TOMLError) {
    let name = try table.name("name", example: "live")
    let topics = try table.topicFilters("topics")
    guard !topics.isEmpty else {
      throw table.error(
        "topics", "is missing; add a line such as topics = [\"sensor/live\"]")
    }
    let priceText = try table.requiredString("price", example: "0.0005 IOTA")
    let price: Nanos
    do {
      price = try Amount.parse(priceText)
    } catch {
      throw table.error("price", error.description)
    }
    guard price > 0 else {
      throw table.error("price", "has to be more than nothing; free topics go to [access] free")
    }
    guard let perMs = try table.periodMs("per") else {
      throw table.error("per", "is missing; add a line such as per = \"1h\"")
    }
    let minimumMs = try table.periodMs("minimum") ?? 1
    let clients = Int(try table.integer("clients", in: 0...1_000_000) ?? 0)
    let fromMs = try table.momentMs("from")
    try table.finish()
    self.init(
      terms: Offer(
        name: name, topics: topics, price: price, perMs: perMs, minimumMs: minimumMs,
        clients: clients, validFromMs: 0),
      fromMs: fromMs)
  }
}

extension PaywallConfiguration.AccountEntry {
  fileprivate init(_ table: TOMLTable) throws(TOMLError) {
    username = try table.name("username", example: "sensor-agent")
    guard case .broker? = Account(username: username.bytes) else {
      throw table.error("username", "a wallet's address cannot be a configured account")
    }
    publish = try table.topicFilters("publish")
    read = try table.topicFilters("read")
    try table.finish()
  }
}

extension TOMLTable {
  fileprivate func name(_ key: String, example: String) throws(TOMLError) -> Name {
    let text = try requiredString(key, example: example)
    guard let name = Name(text) else {
      throw error(key, "use 1 to 64 bytes without / + # $ % : and control characters")
    }
    return name
  }

  fileprivate func periodMs(_ key: String) throws(TOMLError) -> Int64? {
    guard let text = try string(key) else { return nil }
    guard let timeMs = Period.parseMs(text) else {
      throw error(
        key, "'\(text)' is no span of time; write \"500ms\", \"1s\", \"2m\", \"1h\" or \"1d\"")
    }
    return timeMs
  }

  fileprivate func topicFilters(_ key: String) throws(TOMLError) -> [TopicFilter] {
    var filters: [TopicFilter] = []
    for text in try strings(key) {
      guard let filter = TopicFilter(text), !text.hasPrefix("$share/") else {
        throw error(key, "'\(text)' is no MQTT topic filter")
      }
      filters.append(filter)
    }
    return filters
  }

  /// A path; a relative one is meant from the folder of the configuration file.
  fileprivate func path(_ key: String, example: String) throws(TOMLError) -> String {
    let text = try requiredString(key, example: example)
    guard !text.isEmpty, !text.utf8.contains(0) else {
      throw error(key, "is empty; write a path such as \"\(example)\"")
    }
    guard !text.hasPrefix("/"), let slash = self.path.lastIndex(of: "/") else { return text }
    return self.path[...slash] + text
  }
}
