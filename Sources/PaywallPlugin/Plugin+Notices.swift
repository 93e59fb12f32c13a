import Access
import CMosquittoPlugin
import IOTACrypto
import PaywallCore

/// What clients are told in `$SYS/paywall`.
extension Plugin {
  /// How many clients are answered in one turn of the broker's loop: a key takes about 40 µs to make.
  private static let answerLimit = 50
  /// How many messages are published in one turn.
  private static let messageLimit = 500

  /// A message about an account, for one client.
  struct Letter {
    let recipient: Recipients.Recipient
    let payload: [UInt8]
  }

  /// Notes who is to be told of keys or of an account.
  func noteRecipient(
    _ client: OpaquePointer, _ filter: UnsafeRawBufferPointer, _ username: UnsafeRawBufferPointer?
  ) {
    let wants = Recipients.Wants(filter)
    guard !wants.isEmpty, let clientID = Self.bytes(mosquitto_client_id(client)) else { return }
    if wants.contains(.key) { shared.signals.demand(nowMs: shared.clock.monotonicMs) }
    let recipient = Recipients.Recipient(
      clientID: Array(clientID), record: Self.record(of: client),
      username: username.map { Username($0) })
    forget(recipients.subscribe(recipient, to: Array(filter), wants))
  }

  /// Forgets a subscription that is given up.
  func leave(_ client: OpaquePointer?, _ filter: UnsafeRawBufferPointer) {
    guard !recipients.isEmpty, let client, let clientID = Self.bytes(mosquitto_client_id(client))
    else { return }
    forget(recipients.unsubscribe(Array(clientID), from: Array(filter)))
  }

  /// Forgets a client whose connection has ended: the next owner of its id is another.
  func forgetRecipient(_ client: OpaquePointer) {
    guard !recipients.isEmpty, let clientID = Self.bytes(mosquitto_client_id(client)) else {
      return
    }
    guard recipients.recipient(Array(clientID))?.record == Self.record(of: client) else { return }
    forget(recipients.remove(Array(clientID)))
  }

  /// Has the watcher forget an account, if there is one of which nobody is to be told any more.
  private func forget(_ username: Username?) {
    if let username { noticeRequests.append(.forget(username)) }
  }

  // MARK: - In the turns of the broker's loop

  /// Publishes what there is to tell.
  func tellNotices() {
    addressed.removeAll(keepingCapacity: true)
    if notices.first == nil {
      for notice in shared.exchange.notices.takeAll() { notices.append(notice) }
    }
    // One notice may be for thousands of connections; the next waits until they all have it.
    for _ in 0..<Self.messageLimit {
      while letters.first == nil, let notice = notices.popFirst() { tell(notice) }
      guard let letter = letters.popFirst() else { break }
      send(letter.payload, on: SystemTopic.account, to: letter.recipient)
    }
    if !recipients.isEmpty { answer() }
    if shared.exchange.requests.addWithoutWaiting(&noticeRequests) { shared.signals.wake() }
  }

  private func tell(_ notice: Notice) {
    switch notice {
    case .offers(let payload):
      Publication.retain(payload, on: SystemTopic.offers)
    case .account(let username, let payload, let isAnswer):
      for recipient in recipients.takeRecipients(of: username, isAnswer: isAnswer) {
        letters.append(Letter(recipient: recipient, payload: payload))
      }
    case .metrics(let metrics):
      // As Mosquitto does it: what has not changed is not told again. But for accounts that are
      // configured since, and that were denied what is retained.
      if metricsRulesVersion != table.rulesVersion {
        metricsRulesVersion = table.rulesVersion
        toldMetrics = [:]
      }
      for (topic, payload) in metrics.messages(deliveries.pointee)
      where toldMetrics.updateValue(payload, forKey: topic) != payload {
        Publication.retain(Array(payload.utf8), on: topic)
      }
    }
  }

  private func answer() {
    let nowMs = shared.clock.monotonicMs
    let due = recipients.takeDue(atMost: Self.answerLimit, nowMs: nowMs)
    for recipient in due {
      if recipient.due.contains(.key) {
        send(KeyMessage(masterKey.newMemoKey()).payload, on: SystemTopic.key, to: recipient)
      }
      guard recipient.due.contains(.account) else { continue }
      if let username = recipient.username {
        if recipients.shouldAsk(username, nowMs: nowMs) {
          noticeRequests.append(.watch(username))
        }
      } else {
        send(AccountMessage.anonymous.payload, on: SystemTopic.account, to: recipient)
      }
    }
  }

  /// Sends to a client, if it is still the one that asked.
  private func send(_ payload: [UInt8], on topic: String, to recipient: Recipients.Recipient) {
    guard connections.newest(of: recipient.clientID)?.record == recipient.record else {
      return forget(recipients.remove(recipient.clientID))
    }
    if let username = recipient.username { addressed[recipient.clientID] = username }
    Publication.send(payload, on: topic, to: recipient.clientID)
  }

  /// Whether a message about another account is on its way to a client id.
  ///
  /// From Mosquitto 2.1 on packets are read between a turn and the delivery of what it published:
  /// somebody else could take over the id, and the message.
  func isAddressed(_ clientID: [UInt8], butNot account: Username?) -> Bool {
    addressed[clientID].map { $0 != account } ?? false
  }
}

/// What the broker publishes for a plugin, in the next turn of its loop.
private enum Publication {
  /// Sends to one client, whatever it is subscribed to; nobody is asked whether it may read that.
  static func send(_ payload: [UInt8], on topic: String, to clientID: [UInt8]) {
    let name = clientID.map { CChar(bitPattern: $0) } + [0]
    _ = mosquitto_broker_publish_copy(
      name, topic, CInt(clamping: payload.count), payload, 0, false, nil)
  }

  /// Sends to all subscribers that may read the topic, now and later.
  static func retain(_ payload: [UInt8], on topic: String) {
    _ = mosquitto_broker_publish_copy(
      nil, topic, CInt(clamping: payload.count), payload, 0, true, nil)
  }
}
