import Foundation
import Testing
import TestSupport

/// `check_retain_source`: the broker asks whether the author of a retained message may still publish
/// there, in the name of a client that is not there.
@Suite(.onOwnThread)
struct RetainSourceTests {
  @Test(arguments: Client.Version.allCases)
  func `a retained message lasts as long as its author's right to publish`(
    version: Client.Version
  ) async throws {
    var mosquitto = Mosquitto.Settings(keepsSessions: true)
    mosquitto.moreLines = ["check_retain_source true"]
    try await Shop.open(mosquitto, change: { $0.more = Self.friendMayPublish }) { shop in
      try shop.client("agent").publish("sensor/1m", "agent's", qos: 1, isRetained: true)
      try shop.client("friend").publish("sensor/live", "friend's", qos: 1, isRetained: true)
      try shop.grant("johndoe")
      let paid = try shop.client("johndoe", version: version)
      #expect(try eventually { try kept(shop, paid, "sensor/live").contains("friend's") })
      let anonymous = try shop.client(version: version)
      #expect(try kept(shop, anonymous, "sensor/#") == ["agent's"])

      // Authors are remembered on disk, too.
      try shop.broker.stop()
      try shop.broker.start()
      let again = try shop.client("johndoe", version: version)
      #expect(try kept(shop, again, "sensor/#") == ["agent's", "friend's"])

      shop.settings.more = ""
      try shop.reload()
      // The next turn of the broker's loop takes it over.
      let friend = try shop.client("friend", version: .v5)
      #expect(
        try eventually {
          try friend.publish("sensor/live", "x", qos: 1) == Client.Reason.notAuthorized
        })
      let late = try shop.client("johndoe", version: version)
      #expect(try kept(shop, late, "sensor/live").isEmpty)
      #expect(try kept(shop, late, "sensor/#") == ["agent's"])
      #expect(try shop.broker.stop().status == 0)
    }
  }

  /// What is retained for a filter, which comes before what is published after the SUBSCRIBE.
  private func kept(_ shop: Shop, _ client: Client, _ filter: String) throws -> [String] {
    let before = client.arrivals.count
    for filter in ["sensor/status", filter] { try client.subscribe(to: filter, qos: 1) }
    let text = UUID().uuidString
    try shop.client("agent").publish("sensor/status", text, qos: 1)
    #expect(client.awaitArrival(of: "sensor/status") { $0.text == text } != nil)
    return client.arrivals[before...].filter(\.isRetained).map(\.text).sorted()
  }

  private static let friendMayPublish = """
    [[account]]
    username = "friend"
    publish = ["sensor/live"]
    """
}
