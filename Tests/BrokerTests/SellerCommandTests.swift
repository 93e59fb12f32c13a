import Foundation
import TestSupport
import Testing

/// What the seller does with `paywall` beside a broker that runs.
@Suite(.onOwnThread)
struct SellerCommandTests {
  private struct Answer {
    var status: Int32?
    var output: String
  }

  /// Runs the command on the shop's files.
  private func paywall(_ shop: Shop, _ arguments: String...) throws -> Answer {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let program = URL(filePath: tests).deletingLastPathComponent().appending(path: "paywall")
    let process = try ChildProcess(
      [program.path] + arguments + ["--config", shop.broker.configurationPath],
      outputPath: shop.broker.scratch.path("\(UUID().uuidString).output"))
    return Answer(status: process.exitStatus(withinS: 30), output: process.output)
  }

  @Test func `why says what a client meets, and what it names changes that at once`() async throws {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live", "sensor/1m")
      let reader = try shop.client("johndoe")
      try reader.subscribe(to: "sensor/+")
      let buyer = try await shop.buyer()
      let paid = try buyer.pay(600_000, username: "johndoe", offer: "gone")
      #expect(try shop.ledger.settled(paid).state == "unclaimed")
      #expect(reader.awaitArrival(of: "sensor/1m") != nil)
      #expect(reader.arrivals(of: "sensor/live").isEmpty)

      let denied = try paywall(shop, "why", "johndoe", "sensor/live")
      #expect(denied.status == 1)
      #expect(denied.output.contains("paywall assign \(paid.digest) johndoe live"))
      #expect(try paywall(shop, "why", "johndoe", "sensor/1m").status == 0)
      #expect(try paywall(shop, "why", "johndoe", "elsewhere").status == 3)
      #expect(try paywall(shop, "why", "agent", "sensor/live", "--publish").status == 0)
      #expect(try paywall(shop, "payments", "--state", "unclaimed").output.contains(paid.digest))

      #expect(try paywall(shop, "assign", paid.digest, "johndoe", "live").status == 0)
      let assignedAtMs = nowMs()
      let first = try #require(reader.awaitArrival(of: "sensor/live"))
      #expect(first.atMs - assignedAtMs < 1000)
      #expect(try paywall(shop, "why", "johndoe", "sensor/live").status == 0)
      #expect(try paywall(shop, "assign", paid.digest, "johndoe", "live").status == 1)
      #expect(try paywall(shop, "access").output.contains(#""account":"johndoe""#))
      sensor.stop()
    }
  }

  @Test func `a backup made while payments come in is a ledger that a broker starts from`()
    async throws
  {
    try await Shop.open { shop in
      let buyer = try await shop.buyer()
      try shop.ledger.settled(try buyer.pay(600_000, username: "johndoe"))
      let copy = shop.broker.scratch.path("copy.db")
      let backup = try paywall(shop, "backup", copy)
      #expect(backup.status == 0, "\(backup)")
      #expect(backup.output.contains(#""payments":1"#))
      let late = try buyer.pay(600_000, username: "janedoe")
      try shop.ledger.settled(late)
      #expect(try LedgerFile(path: copy).payments().map(\.account) == ["johndoe"])

      try shop.broker.stop()
      for suffix in ["", "-wal", "-shm"] {
        try? FileManager.default.removeItem(atPath: shop.broker.ledgerPath + suffix)
      }
      try FileManager.default.copyItem(atPath: copy, toPath: shop.broker.ledgerPath)
      try shop.broker.start()
      // What the copy has not is read from the tangle again.
      #expect(try shop.ledger.settled(late).account == "janedoe")
      #expect(try shop.ledger.payments().count == 2)
    }
  }
}
