import Foundation
import TestSupport
import Testing

/// `paywall check` and `paywall verify`, beside the real broker.
@Suite(.onOwnThread)
struct CheckCommandTests {
  @Test func `a broker that sells is well, and its ledger is the tangle's`() async throws {
    try await Shop.open { shop in
      let sensor = try shop.sensor("sensor/live")
      let reader = try shop.client("johndoe")
      try reader.subscribe(to: "sensor/live")
      _ = try await shop.buyer().pay(600_000, username: "johndoe")
      _ = try #require(reader.awaitArrival(of: "sensor/live"))

      // The tests let everybody write there; the folder is otherwise the broker's.
      let folder = shop.broker.scratch.path("ledger")
      let owner = try FileManager.default.attributesOfItem(atPath: shop.broker.ledgerPath)
      let names: [FileAttributeKey] = [.ownerAccountID, .groupOwnerAccountID]
      try FileManager.default.setAttributes(
        owner.filter { names.contains($0.key) }.merging([.posixPermissions: 0o755]) { $1 },
        ofItemAtPath: folder)
      let check = try run(
        shop, "check", "--broker-config", shop.broker.scratch.path("mosquitto.conf"))
      #expect(check.status == 0, "\(check.output)")
      for name in ["ledger", "secret", "node", "clock", "broker", "reading", "broker-plugin"] {
        #expect(check.output.contains(#""check":"\#(name)","level":"ok""#), "\(check.output)")
      }
      let verify = try run(shop, "verify")
      #expect(verify.status == 0, "\(verify.output)")
      #expect(verify.output.contains(#""difference_count":0"#), "\(verify.output)")
      #expect(sensor.reaches(reader, "sensor/live"))
    }
  }

  private func run(
    _ shop: Shop, _ arguments: String...
  ) throws -> (status: Int32?, output: String) {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let program = URL(filePath: tests).deletingLastPathComponent().appending(path: "paywall").path
    let output = shop.broker.scratch.path(UUID().uuidString)
    let process = try ChildProcess(
      [program] + arguments + ["--config", shop.broker.configurationPath, "--json"],
      outputPath: output)
    return (process.exitStatus(withinS: 60), process.output)
  }
}
