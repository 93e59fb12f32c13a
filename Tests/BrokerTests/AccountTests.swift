import Testing
import TestSupport

/// To whom a payment counts.
@Suite(.onOwnThread)
struct AccountTests {
  @Test func `Mosquitto's own password file decides who a broker account is`() async throws {
    try await Shop.open { shop in
      let wrong = try Client(
        port: shop.broker.port, .init(username: "johndoe", password: "janedoe-secret"))
      #expect(try wrong.connect() == Client.Reason.v311NotAuthorized)
      let unknown = try Client(
        port: shop.broker.port, .init(username: "nobody", password: "nobody-secret"))
      #expect(try unknown.connect() == Client.Reason.v311NotAuthorized)
      #expect(try shop.client("johndoe").arrivals.isEmpty)
    }
  }

  @Test func `what one account bought, no other reads`() async throws {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live", "sensor/1m")
      let payer = try shop.client("johndoe")
      let other = try shop.client("janedoe")
      let anonymous = try shop.client()
      for client in [payer, other, anonymous] { try client.subscribe(to: "sensor/+") }
      _ = try await shop.buyer().pay(60_000, username: "johndoe")
      #expect(eventually { payer.arrivals(of: "sensor/live").count >= 50 })
      sensor.stop()
      for client in [other, anonymous] {
        #expect(sensor.reaches(client, "sensor/1m"))
        #expect(client.arrivals(of: "sensor/live").isEmpty)
      }
    }
  }

  @Test func `time paid for a name that nobody has yet waits for it`() async throws {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live")
      let paid = try await shop.buyer().pay(120_000, username: "newcomer")
      #expect(try shop.ledger.settled(paid).account == "newcomer")
      try shop.broker.addAccount("newcomer")
      shop.broker.reload()
      #expect(shop.broker.logs("was read again"))
      let reader = try shop.client("newcomer")
      try reader.subscribe(to: "sensor/live")
      #expect(reader.awaitArrival(of: "sensor/live") != nil)
      sensor.stop()
    }
  }

  @Test func `a memo's offer decides what is bought`() async throws {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live", "other/a", "other/b")
      let reader = try shop.client("johndoe")
      try reader.subscribe(to: "#")
      _ = try await shop.buyer().pay(60_000, username: "johndoe", offer: "other")
      #expect(eventually { reader.arrivals(of: "other/b").count >= 20 })
      #expect(!reader.arrivals(of: "other/a").isEmpty)
      #expect(reader.arrivals(of: "sensor/live").isEmpty)
      sensor.stop()
    }
  }

  @Test(arguments: [
    ([#"{"username":"a/b"}"#], "username is impossible"),
    ([#"{"username":"johndoe","offer":"none"}"#], "offer was not sold"),
    ([#"{"username":"johndoe"}"#, #"{"username":"janedoe"}"#], "2 memos"),
    ([#"{"username":"johndoe","sealed":"AAAA"}"#], "sealed"),
    (
      [#"{"username":"0x\#(String(repeating: "7", count: 64))"}"#],
      "only by a payment from its address"
    ),
  ])
  func `a payment that nobody can claim is kept, with the reason`(
    memos: [String], reason: String
  ) async throws {
    try await Shop.open { shop in
      let reader = try shop.client("johndoe")
      try reader.subscribe(to: "sensor/live")
      let paid = try await shop.buyer().pay(60_000, memos: memos)
      let payment = try shop.ledger.settled(paid)
      #expect(payment.state == "unclaimed" && payment.account == nil && payment.amount == 60_000)
      #expect(payment.reason?.contains(reason) == true, "\(payment.reason ?? "none")")
      #expect(shop.broker.logs("\(paid.digest) of"))
      #expect(try shop.ledger.grants().isEmpty)
      let view: [UnclaimedRow] = try shop.ledger.rows("SELECT * FROM unclaimed_payments")
      #expect(view.map(\.digest) == [paid.digest])
      let sensor = try shop.sensor("sensor/live", "sensor/1m")
      #expect(eventually { sensor.count > 20 })
      #expect(reader.arrivals.isEmpty)
      sensor.stop()
    }
  }

  private struct UnclaimedRow: Decodable { var digest: String }
}
