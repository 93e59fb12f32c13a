import MQTTClient
import PaywallCore

/// A client's subscriptions to its account and to an offer's topics.
///
/// A broker may refuse the latter to who may read none of them now (`subscribe = "strict"`), and it
/// offers retained messages at a SUBSCRIBE only. So they are made when the account is known to have
/// access, and anew when it has access again. Without any they are tried once: the seller may have let
/// the account in without payment.
struct SoldTopics {
  private static let retry = Duration.seconds(1)

  private let topics: [TopicFilter]
  /// The connection that the rest is about.
  private var connection = 0
  private var isAccountDue = true
  /// Whether the account has access; nil: not told yet.
  private var hasAccess: Bool?
  private var due: [TopicFilter] = []
  private var nextTry = ContinuousClock.now
  private var hasComplained = false

  init(_ offer: Offer) { topics = offer.topics }

  /// Notes what the account was told.
  mutating func note(hasAccess: Bool) {
    if self.hasAccess == nil || hasAccess && self.hasAccess == false {
      due = topics
      nextTry = .now
    }
    self.hasAccess = hasAccess
  }

  /// Subscribes to what is due.
  ///
  /// - Throws: `MQTTError` where the broker tells nobody of accounts.
  mutating func follow(_ lasting: LastingConnection) throws {
    guard lasting.client.isConnected, .now >= nextTry else { return }
    if lasting.number != connection {
      connection = lasting.number
      isAccountDue = true
      hasAccess = nil
      due = []
    }
    do {
      if isAccountDue {
        try lasting.client.subscribe(to: SystemTopic.account, lasts: false, timeoutMs: 5000)
        isAccountDue = false
      }
      try subscribe(lasting.client)
    } catch let error as MQTTError where [.noConnection, .timeout].contains(error.kind) {
      nextTry = .now + Self.retry
    }
  }

  private mutating func subscribe(_ client: MQTTClient) throws {
    var denied: [TopicFilter] = []
    // The broker may hear of the access a little later than the account is told.
    defer { if hasAccess == true { due += denied } }
    while let topic = due.first {
      do {
        try client.subscribe(to: topic.description, lasts: false, timeoutMs: 5000)
      } catch {
        guard error.kind == .denied || error.kind == .invalid else { throw error }
        denied.append(topic)
        complain(error)
      }
      due.removeFirst()
    }
    if !denied.isEmpty { nextTry = .now + Self.retry }
  }

  private mutating func complain(_ denial: MQTTError) {
    guard hasAccess == true, !hasComplained else { return }
    hasComplained = true
    Terminal.note("\(denial) Its time runs, so it is tried again.")
  }
}
