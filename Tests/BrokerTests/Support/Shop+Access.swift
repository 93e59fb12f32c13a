import Foundation
import TestSupport

/// Access that is given and taken in the ledger, as an admin does: it takes effect within a second.
extension Shop {
  /// Lets an account read what an offer sells, for an hour.
  func grant(_ account: String, offer: String = "live") throws {
    try write("granted", account, offer)
  }

  /// Takes all access of an account to what an offer sells.
  func revoke(_ account: String, offer: String = "live") throws {
    try write("revoked", account, offer)
  }

  private func write(_ kind: String, _ account: String, _ offer: String) throws {
    try ledger.execute(
      """
      DELETE FROM grants WHERE account = '\(account)' AND kind = 'revoked';
      INSERT INTO grants (account, offer, kind, starts_at, ends_at) VALUES
        ('\(account)', '\(offer)', '\(kind)', \(nowMs() - 60_000), \(nowMs() + 3_600_000))
      """)
  }

  /// Reads the changed configuration again, and waits until it is in force.
  func reload() throws {
    try configure()
    let count = broker.pluginLines.count { $0.contains("was read again") }
    broker.reload()
    // A request to the node that is under way ends first.
    guard broker.logs("was read again", times: count + 1, withinS: 30) else {
      throw TestFailure("the configuration was not read again: \(broker.pluginLines)")
    }
  }
}

extension Client {
  /// Publishes to a topic, then to the free `sensor/1m`, and waits for the latter to arrive.
  ///
  /// - Parameters:
  ///   - reader: Who is subscribed to both.
  ///   - topic: The topic that may be withheld.
  ///   - qos: The quality of service of both messages.
  ///   - prefix: What both topics have before them when they arrive.
  /// - Returns: Whether the former arrived too.
  /// - Throws: Where the latter does not arrive.
  func reaches(
    _ reader: Client, _ topic: String = "sensor/live", qos: Int32 = 0, prefix: String = ""
  ) throws -> Bool {
    let text = UUID().uuidString
    try publish(topic, text, qos: qos)
    try publish("sensor/1m", text, qos: qos)
    guard reader.awaitArrival(of: prefix + "sensor/1m", where: { $0.text == text }) != nil else {
      throw TestFailure("a message of sensor/1m did not arrive")
    }
    return reader.arrivals(of: prefix + topic).contains { $0.text == text }
  }
}
