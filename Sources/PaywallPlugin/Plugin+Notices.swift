import CMosquittoPlugin
import IOTACrypto
import PaywallCore

/// What clients are told in `$SYS/paywall`.
extension Plugin {
  /// How many clients are answered in one turn of the broker's loop: a key takes about 40 µs to make.
  private static let answerLimit = 50

  /// Notes who is to be told of keys or of an account.
  func noteRecipient(
    _ client: OpaquePointer, _ filter: UnsafeRawBufferPointer, _ username: UnsafeRawBufferPointer?
  ) {
    let wants = Recipients.Wants(filter)
    guard !wants.isEmpty, let clientID = Self.bytes(mosquitto_client_id(client)) else { return }
    if wants.contains(.key) { shared.signals.demand(nowMs: SharedClock.monotonicMs()) }
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
    for notice in shared.exchange.notices.takeAll() { tell(notice) }
    if !recipients.isEmpty { answer() }
    if shared.exchange.requests.addWithoutWaiting(&noticeRequests) { shared.signals.wake() }
  }

  private func tell(_ notice: Notice) {
    switch notice {
    case .offers(let payload):
      Publication.retain(payload, on: SystemTopic.offers)
    case .account(let username, let payload, let isAnswer):
      for recipient in recipients.takeRecipients(of: username, isAnswer: isAnswer) {
        send(payload, on: SystemTopic.account, to: recipient)
      }
    case .metrics(let metrics):
      // As Mosquitto does it: what has not changed is not told again.
      for (topic, payload) in metrics.messages(deliveries.pointee)
      where toldMetrics.updateValue(payload, forKey: topic) != payload {
        Publication.retain(Array(payload.utf8), on: topic)
      }
    }
  }

  private func answer() {
    let due = recipients.takeDue(atMost: Self.answerLimit, nowMs: SharedClock.monotonicMs())
    for recipient in due {
      if recipient.due.contains(.key) {
        send(KeyMessage(masterKey.newMemoKey()).payload, on: SystemTopic.key, to: recipient)
      }
      guard recipient.due.contains(.account) else { continue }
      if let username = recipient.username {
        noticeRequests.append(.watch(username))
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
    Publication.send(payload, on: topic, to: recipient.clientID)
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
