import Foundation
import MQTTClient
import PaywallCore

/// What was bought, as it arrives, until it ends.
struct MessageStream {
  private let offer: Offer
  private let options: StreamOptions
  /// What was paid just now; nil where nothing was.
  private let payment: Digest?
  private var connection: LastingConnection
  private var topics: SoldTopics
  /// Whether the offer could be read when the account was last told of; nil: not told yet.
  private var hadAccess: Bool?

  /// The messages of an offer that a client which has just been let in receives.
  init(
    _ client: MQTTClient, as identity: Identity, at broker: BrokerOptions, offer: Offer,
    options: StreamOptions, after payment: Digest? = nil
  ) {
    self.offer = offer
    self.options = options
    self.payment = payment
    connection = LastingConnection(client, as: identity, at: broker)
    topics = SoldTopics(offer)
  }

  /// Writes messages until the bought time ends, enough have come, or Ctrl-C.
  ///
  /// - Throws: ``BrokerError`` where the broker refuses the login for good.
  mutating func run() throws {
    defer { connection.client.disconnect() }
    Interrupt.catchSignals()
    let writer = MessageWriter(options: options)
    var count = 0
    while !Interrupt.isAsked {
      try connection.follow()
      try topics.follow(connection)
      guard let message = connection.client.nextMessage(timeoutMs: 200) else { continue }
      if message.topic == SystemTopic.account {
        if !goesOn(message) { return }
      } else if offer.topics.contains(where: { $0.matches(topic: Array(message.topic.utf8)) }) {
        try writer.write(message)
        count += 1
        if let wanted = options.count, count >= wanted { return }
      }
    }
  }

  private mutating func goesOn(_ message: MQTTMessage) -> Bool {
    guard let report = AccountReport(json: message.payload) else { return true }
    let hasAccess = report.until(offer.name) != nil
    topics.note(hasAccess: hasAccess)
    if let line = report.noticeLine { Terminal.note(line) }
    if report.notice?.kind == "ended", report.notice?.offer == offer.name.description {
      return false
    }
    // The notice may have come while the connection was broken.
    if !hasAccess, hadAccess == true {
      Terminal.note("Ended: '\(offer.name)'.")
      return false
    }
    if !hasAccess, hadAccess == nil {
      guard !hasEnded(report) else { return false }
      Terminal.note("Nothing of '\(offer.name)' is bought now; waiting for a payment to count.")
    }
    hadAccess = hasAccess
    return true
  }

  /// Whether what was paid just now has counted already and is over: it was little, or the broker slow.
  private func hasEnded(_ report: AccountReport) -> Bool {
    guard let payment, let (name, holding) = report.holding(paidBy: payment),
      name == offer.name.description, holding.creditNanos == 0
    else { return false }
    Terminal.note("Ended: '\(offer.name)'; the payment counted, and its time is over.")
    return true
  }
}
