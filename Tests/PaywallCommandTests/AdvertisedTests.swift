import Foundation
import HTTP
import IOTACrypto
import PaywallCore
import Testing

@testable import paywall

/// What a broker says, as values.
@Suite struct AdvertisedTests {
  private let seller = PrivateKey().address

  private func offers(
    _ change: (inout [String: JSONValue], inout [String: JSONValue]) -> Void = { _, _ in }
  ) throws -> [UInt8] {
    var offer: [String: JSONValue] = [
      "name": "live", "topics": ["sensor/live", "sensor/+/live"], "price_nanos": 500_000,
      "per_ms": 3_600_000, "minimum_ms": 1000, "clients": 2,
    ]
    var message: [String: JSONValue] = [
      "address": .string("\(seller)"), "network": "6364aad5", "protocol": "rebased-jsonrpc",
      "realm": "plug.example", "later": "unknown members are for later versions",
    ]
    change(&message, &offer)
    if message["offers"] == nil { message["offers"] = [.object(offer)] }
    return try Array(JSONEncoder().encode(message))
  }

  @Test func `offers are read as they are told`() throws {
    let offers = try AdvertisedOffers(json: offers())
    #expect(offers.seller == seller && offers.network == "6364aad5")
    #expect(offers.realm == "plug.example" && offers.protocol == "rebased-jsonrpc")
    let name = try #require(Name("live"))
    let offer = try offers.offer(named: name)
    #expect(offer.topics.map(\.description) == ["sensor/live", "sensor/+/live"])
    #expect(offer.price == 500_000 && offer.perMs == 3_600_000)
    #expect(offer.minimumMs == 1000 && offer.clients == 2)
    #expect(offer.amount(forMs: 7_200_000) == 1_000_000)
    let other = try #require(Name("other"))
    #expect(throws: BrokerError("The broker does not sell 'other'; it sells live.")) {
      try offers.offer(named: other)
    }
  }

  private typealias Change = (inout [String: JSONValue], inout [String: JSONValue]) -> Void

  @Test func `what no paywall would say is refused`() throws {
    let wrong: [Change] = [
      { message, _ in message["address"] = "0x1" }, { message, _ in message["address"] = nil },
      { message, _ in message["network"] = "" }, { message, _ in message["network"] = "a\u{7}" },
      { message, _ in message["realm"] = "" }, { message, _ in message["offers"] = "none" },
      { message, _ in message["realm"] = .string(String(repeating: "a", count: 254)) },
      { _, offer in offer["name"] = "a/b" }, { _, offer in offer["topics"] = [] },
      { _, offer in offer["topics"] = ["a/#/b"] }, { _, offer in offer["price_nanos"] = 0 },
      { _, offer in offer["per_ms"] = 0 }, { _, offer in offer["minimum_ms"] = -1 },
      { _, offer in offer["clients"] = -1 }, { _, offer in offer["clients"] = 4_294_967_296 },
      { message, offer in message["offers"] = [.object(offer), .object(offer)] },
    ]
    for (index, change) in wrong.enumerated() {
      let json = try offers(change)
      #expect(throws: BrokerError.self, "\(index)") { try AdvertisedOffers(json: json) }
    }
    #expect(throws: BrokerError.self) { try AdvertisedOffers(json: []) }
    #expect(throws: BrokerError.self) {
      try AdvertisedOffers(json: [UInt8](repeating: 0x20, count: 300_000))
    }
  }

  @Test func `an account is told with what it holds, and which payment bought that`() throws {
    let digests = try [7, 8].map { byte in
      try #require(Digest(bytes: [UInt8](repeating: byte, count: 32)))
    }
    let report = try #require(
      AccountReport(
        json: Array(
          """
          {"username":"buyer:jane","offers":{
            "live":{"until":"2030-01-01T00:00:00.000Z","credit_nanos":5,"last_payment":
              {"digest":"\(digests[0])","amount_nanos":9,"paid_at":"2026-01-01T00:00:00.000Z"}},
            "old":{"until":null,"credit_nanos":0,"last_payment":null}}}
          """.utf8)))
    let (live, old) = try (#require(Name("live")), #require(Name("old")))
    #expect(report.until(live) == "2030-01-01T00:00:00.000Z" && report.until(old) == nil)
    #expect(report.noticeLine == nil)
    let found = report.holding(paidBy: digests[0])
    #expect(found?.offer == "live" && found?.holding.creditNanos == 5)
    #expect(report.holding(paidBy: digests[1]) == nil)
    #expect(
      report.lines == [
        "buyer:jane:",
        "  live  until 2030-01-01T00:00:00.000Z  credit 0.000000005 IOTA",
        "  old  ended  credit 0 IOTA",
      ])
    #expect(
      AccountReport(json: Array(#"{"username":null,"offers":{}}"#.utf8))?.lines
        == ["(anonymous) has bought nothing yet."])
  }

  @Test(arguments: [
    (#""accepted","payment":"D""#, "Accepted: payment D for 'live', until 2030."),
    (
      #""too_little","payment":"D","missing_nanos":7"#,
      "Too little: payment D is kept; 0.000000007 IOTA more buy something of 'live'."
    ),
    (#""ends_soon""#, "Ends soon: 'live' at 2030."), (#""ended""#, "Ended: 'live'."),
    (#""new in a later version""#, nil),
  ])
  func `notices are put into words`(kind: String, line: String?) {
    let json = #"""
      {"username":"x","offers":{"live":{"until":"2030","credit_nanos":0,"last_payment":null}},
       "notice":{"offer":"live","kind":\#(kind)}}
      """#
    #expect(AccountReport(json: Array(json.utf8))?.noticeLine == line)
  }

  @Test(arguments: ["", "[]", "{}", #"{"offers":[]}"#, #"{"offers":{"live":{}}}"#])
  func `what is no report is none`(json: String) {
    #expect(AccountReport(json: Array(json.utf8)) == nil)
  }

  @Test func `what strangers say commands no terminal`() {
    let json = #"""
      {"username":"\u001b[2J","offers":{"\u001b[2J":{"until":"\u001b[2J","credit_nanos":0,
       "last_payment":null}},"notice":{"kind":"accepted","offer":"\u001b[2J","payment":"\u001b"}}
      """#
    let report = AccountReport(json: Array(json.utf8))
    let shown = (report?.lines ?? []) + [report?.noticeLine ?? ""]
    #expect(shown.count == 3 && !shown.contains { $0.contains("\u{1B}") })
  }
}
