import DevTangle
import Foundation
import IOTACrypto
import PaywallCore
import Testing
import TestSupport

/// The official SDK builds and signs payments: what it pays for is what the broker opens.
///
/// `PAYWALL_PYTHON` is a Python that has iota-sdk 3.0.0b1.
@Suite(.onOwnThread)
struct SDKTests {
  private struct Paid: Decodable {
    var digest: String
    var sender: String
    var executedAtMs: Int64
  }

  private static func python() throws -> String {
    guard let python = ProcessInfo.processInfo.environment["PAYWALL_PYTHON"] else {
      throw TestFailure(
        "PAYWALL_PYTHON is not set; make a venv with iota-sdk==3.0.0b1 and PyNaCl and name its "
          + "Python")
    }
    return python
  }

  private func pay(
    _ shop: Shop, _ amountNanos: Nanos, memo: [String], key: String? = nil
  ) throws -> Paid {
    let python = try Self.python()
    let script = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../Judges/sdk_pay.py").standardized.path()
    let output = try ChildProcess.run(
      [
        python, script, shop.tangle.nodeURL, shop.tangle.faucetURL, "\(shop.seller.address)",
        "\(amountNanos)",
      ] + memo + (key.map { ["--key", $0] } ?? []) + ["--no-wait"])
    return try JSONDecoder().decode(Paid.self, from: Data(output.utf8))
  }

  @Test(arguments: ["raw", "bcs", "utf8"])
  func `the SDK's payment with a memo opens the topic for the account it names`(
    style: String
  ) async throws {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live")
      let reader = try shop.client("johndoe")
      let other = try shop.client("janedoe")
      for client in [reader, other] { try client.subscribe(to: "sensor/live") }
      let paid = try pay(shop, 60_000, memo: [style, #"{"username":"johndoe"}"#])
      let first = try #require(reader.awaitArrival(of: "sensor/live"))
      #expect(first.atMs - paid.executedAtMs < 2000)
      #expect(other.arrivals.isEmpty)
      let payment = try #require(try shop.ledger.payment(paid.digest))
      #expect(payment.payer == paid.sender && payment.amount == 60_000)
      #expect(payment.account == "johndoe")
      sensor.stop()
    }
  }

  @Test func `mosquitto_sub, a few lines of Python and any wallet are enough to buy`() async throws
  {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live")
      let python = try Self.python()
      let script = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../plugin/seal_memo.py").standardized.path()
      let memo = try ChildProcess.run([
        "sh", "-c",
        "mosquitto_sub -h 127.0.0.1 -p \(shop.broker.port) -t '$SYS/paywall/key' -C 1 -W 10 "
          + "| PASSWORD='s3cret é' \(python) \(script) jane live",
      ])
      try shop.ledger.settled(
        digest: pay(shop, 60_000, memo: ["utf8", memo.trimmingCharacters(in: .newlines)]).digest)
      let message = try ChildProcess.run([
        "mosquitto_sub", "-h", "127.0.0.1", "-p", "\(shop.broker.port)", "-u", "jane", "-P",
        "s3cret é", "-t", "sensor/live", "-C", "1", "-W", "10",
      ])
      #expect(!message.isEmpty)
      #expect(try shop.ledger.grants().map(\.account) == ["buyer:jane"])
      sensor.stop()
    }
  }

  @Test func `the SDK's payment without memo opens the topic for its sender`() async throws {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live")
      let key = PrivateKey()
      let login = WalletLogin.password(
        key: key, realm: "plug.test", expiryS: nowMs() / 1000 + 600)
      let reader = try shop.client(.init(username: "\(key.address)", password: login))
      let other = try shop.client("johndoe")
      for client in [reader, other] { try client.subscribe(to: "sensor/live") }
      let paid = try pay(shop, 60_000, memo: ["none"], key: key.exported)
      #expect(paid.sender == "\(key.address)")
      let first = try #require(reader.awaitArrival(of: "sensor/live"))
      #expect(first.atMs - paid.executedAtMs < 2000)
      #expect(other.arrivals.isEmpty)
      sensor.stop()
    }
  }
}
