import Foundation
import MQTTClient
import PaywallCore

/// What was bought, as it arrives, until it ends.
struct MessageStream {
  let client: MQTTClient
  let offer: Offer
  let options: StreamOptions

  /// Subscribes and writes messages until the bought time ends, enough have come, or Ctrl-C.
  func run() throws {
    defer { client.disconnect() }
    Interrupt.catchSignals()
    try client.subscribe(to: SystemTopic.account)
    for topic in offer.topics { try client.subscribe(to: topic.description) }
    let writer = MessageWriter(options: options)
    var count = 0
    var hadAccess: Bool?
    while !Interrupt.isAsked {
      guard let message = client.nextMessage(timeoutMs: 200) else { continue }
      if message.topic == SystemTopic.account {
        if !goesOn(message, &hadAccess) { return }
      } else if offer.topics.contains(where: { $0.matches(topic: Array(message.topic.utf8)) }) {
        try writer.write(message)
        count += 1
        if let wanted = options.count, count >= wanted { return }
      }
    }
  }

  private func goesOn(_ message: MQTTMessage, _ hadAccess: inout Bool?) -> Bool {
    guard let report = AccountReport(json: message.payload) else { return true }
    let until = report.until(offer.name)
    if let line = report.noticeLine {
      Terminal.note(line)
    } else if until == nil, hadAccess == nil {
      Terminal.note("Nothing of '\(offer.name)' is bought now; waiting for a payment to count.")
    }
    if report.notice?.kind == "ended", report.notice?.offer == offer.name.description {
      return false
    }
    // The notice may have come while the connection was broken.
    if until == nil, hadAccess == true {
      Terminal.note("Ended: '\(offer.name)'.")
      return false
    }
    hadAccess = until != nil
    return true
  }
}
