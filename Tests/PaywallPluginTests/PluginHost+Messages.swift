import CMosquittoPlugin
import FakeBroker
import Foundation
import HTTP
import TestSupport

@testable import PaywallPlugin

/// What the plugin publishes.
struct Published {
  /// The one client that it is for; nil: all subscribers.
  var clientID: String?
  var topic: String
  var text: String
  var isRetained: Bool

  /// The payload's members; none where it is no JSON object.
  var json: [String: JSONValue] {
    (try? JSONDecoder().decode([String: JSONValue].self, from: Data(text.utf8))) ?? [:]
  }

  /// A member of the payload's `notice`.
  func notice(_ key: String) -> JSONValue? {
    guard case .object(let notice)? = json["notice"] else { return nil }
    return notice[key]
  }

  /// A member of what the payload says of an offer.
  func offer(_ name: String, _ key: String) -> JSONValue? {
    guard case .object(let offers)? = json["offers"], case .object(let offer)? = offers[name] else {
      return nil
    }
    return offer[key]
  }
}

extension PluginHost {
  /// What was published since it was asked last, after a turn of the broker's loop.
  func published() -> [Published] {
    tick()
    var all: [Published] = []
    var message = fake_broker_message()
    while fake_broker_take_message(&message) {
      defer {
        free(message.client_id)
        free(message.topic)
        free(message.payload)
      }
      guard let topic = message.topic, let payload = message.payload else { continue }
      all.append(
        Published(
          clientID: message.client_id.map { String(cString: $0) }, topic: String(cString: topic),
          text: String(cString: payload), isRetained: message.retain))
    }
    return all
  }

  /// Waits for a message, through the turns of the loop; others that come meanwhile are dropped.
  func awaitPublished(_ topic: String, where isWanted: (Published) -> Bool = { _ in true })
    -> Published?
  {
    var found: Published?
    _ = eventually {
      found = published().first { $0.topic == topic && isWanted($0) }
      return found != nil
    }
    return found
  }

  func subscribe(_ connection: Connection, to filter: String) -> CInt {
    check(MOSQ_ACL_SUBSCRIBE, filter, by: connection)
  }
}
