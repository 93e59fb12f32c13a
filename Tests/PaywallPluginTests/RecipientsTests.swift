import PaywallCore
import Testing

@testable import PaywallPlugin

@Suite struct RecipientsTests {
  private let record = UnsafeRawPointer(bitPattern: 16)
  private let otherRecord = UnsafeRawPointer(bitPattern: 32)

  private func client(
    _ id: String, _ username: String? = nil, record: UnsafeRawPointer? = nil
  ) throws -> Recipients.Recipient {
    Recipients.Recipient(
      clientID: Array(id.utf8), record: try #require(record ?? self.record),
      username: username.map { Array($0.utf8) })
  }

  private static func wants(_ filter: String) -> Recipients.Wants {
    Recipients.Wants(Array(filter.utf8))
  }

  private func ids(_ recipients: [Recipients.Recipient]) -> [String] {
    recipients.map { String(decoding: $0.clientID, as: UTF8.self) }.sorted()
  }

  @Test(arguments: [
    ("$SYS/paywall/key", 1), ("$SYS/paywall/account", 2), ("$SYS/paywall/#", 3), ("$SYS/#", 3),
    ("$SYS/+/key", 1), ("$SYS/paywall/+", 3), ("$SYS/paywall/key/#", 1), ("#", 0), ("+/+/+", 0),
    ("+/paywall/key", 0), ("$SYS/paywall/offers", 0), ("$share/g/$SYS/paywall/key", 0),
    ("$SYS/paywall/Key", 0), ("sensor/live", 0), ("", 0), ("$SYS/paywall/key/", 0),
  ]) func `filters match as MQTT says`(filter: String, wants: UInt8) {
    #expect(Self.wants(filter).rawValue == wants)
  }

  @Test func `each client is answered once a second at most, in turn`() throws {
    var recipients = Recipients()
    let filter = Array("$SYS/paywall/#".utf8)
    for name in ["a", "b", "c"] {
      for _ in 0..<5 {
        #expect(recipients.subscribe(try client(name, "u"), to: filter, [.key, .account]) == nil)
      }
    }
    #expect(ids(recipients.takeDue(atMost: 2, nowMs: 1000)) == ["a", "b"])
    _ = recipients.subscribe(try client("a", "u"), to: filter, [.key, .account])
    #expect(ids(recipients.takeDue(atMost: 2, nowMs: 1100)) == ["c"])
    #expect(recipients.takeDue(atMost: 2, nowMs: 1999).isEmpty)
    #expect(ids(recipients.takeDue(atMost: 2, nowMs: 2000)) == ["a"])
    #expect(recipients.takeDue(atMost: 2, nowMs: 9000).isEmpty)
  }

  @Test func `to unsubscribe and subscribe anew makes nobody faster`() throws {
    var recipients = Recipients()
    let filter = Array("$SYS/paywall/key".utf8)
    _ = recipients.subscribe(try client("a"), to: filter, .key)
    #expect(recipients.takeDue(atMost: 50, nowMs: 1000).count == 1)
    for _ in 0..<10_000 {
      #expect(recipients.unsubscribe(Array("a".utf8), from: filter) == nil)
      _ = recipients.subscribe(try client("a"), to: filter, .key)
    }
    #expect(recipients.takeDue(atMost: 50, nowMs: 1500).isEmpty)
    #expect(recipients.takeDue(atMost: 50, nowMs: 2000).count == 1)
    #expect(recipients.takeDue(atMost: 50, nowMs: 4000).isEmpty)
  }

  @Test func `who has unsubscribed is told nothing more`() throws {
    var recipients = Recipients()
    let (all, own) = (Array("$SYS/paywall/#".utf8), Array("$SYS/paywall/account".utf8))
    _ = recipients.subscribe(try client("a", "u"), to: all, [.key, .account])
    _ = recipients.subscribe(try client("a", "u"), to: own, .account)
    #expect(recipients.unsubscribe(Array("a".utf8), from: all) == nil, "the other one is left")
    let due = recipients.takeDue(atMost: 50, nowMs: 0)
    #expect(due.map(\.due) == [.account])
    let username = Array("u".utf8)
    #expect(recipients.takeRecipients(of: username, isAnswer: false).count == 1)
    #expect(recipients.unsubscribe(Array("a".utf8), from: own) == username)
    #expect(recipients.takeRecipients(of: username, isAnswer: false).isEmpty)
  }

  @Test func `an answer is for those who wait for it, a change for all`() throws {
    var recipients = Recipients()
    let (filter, username) = (Array("$SYS/paywall/account".utf8), Array("u".utf8))
    _ = recipients.subscribe(try client("a", "u"), to: filter, .account)
    #expect(recipients.takeDue(atMost: 50, nowMs: 0).count == 1)
    #expect(ids(recipients.takeRecipients(of: username, isAnswer: true)) == ["a"])
    _ = recipients.subscribe(try client("b", "u"), to: filter, .account)
    _ = recipients.takeDue(atMost: 50, nowMs: 0)
    #expect(ids(recipients.takeRecipients(of: username, isAnswer: true)) == ["b"])
    #expect(recipients.takeRecipients(of: username, isAnswer: true).isEmpty)
    #expect(ids(recipients.takeRecipients(of: username, isAnswer: false)) == ["a", "b"])
    #expect(recipients.takeRecipients(of: Array("v".utf8), isAnswer: false).isEmpty)
  }

  @Test func `an account is asked about once, however many connections ask`() throws {
    var recipients = Recipients()
    let (filter, username) = (Array("$SYS/paywall/account".utf8), Array("u".utf8))
    for number in 0..<5000 {
      _ = recipients.subscribe(try client("\(number)", "u"), to: filter, .account)
    }
    var asks = 0
    for _ in 0..<100 {
      for recipient in recipients.takeDue(atMost: 50, nowMs: 1000) {
        #expect(recipient.due == .account)
        if recipients.shouldAsk(username, nowMs: 1000) { asks += 1 }
      }
    }
    #expect(asks == 1)
    #expect(recipients.takeRecipients(of: username, isAnswer: true).count == 5000)
    #expect(recipients.takeRecipients(of: username, isAnswer: true).isEmpty)
    let asked = [1000, 5999, 6000].map { recipients.shouldAsk(username, nowMs: $0) }
    #expect(asked == [true, false, true], "it was answered; then an answer must have been lost")
  }

  @Test func `who comes and goes where no turn is told of leaves nothing behind`() throws {
    var recipients = Recipients()
    let filter = Array("$SYS/paywall/key".utf8)
    for number in 0..<100_000 {
      let id = "\(number % 50_000)"
      _ = recipients.subscribe(try client(id), to: filter, .key)
      _ = recipients.remove(Array(id.utf8))
    }
    #expect(recipients.waitingCount <= 2000)
    _ = recipients.subscribe(try client("a"), to: filter, .key)
    #expect(ids(recipients.takeDue(atMost: 50, nowMs: 0)) == ["a"])
  }

  @Test func `the next owner of a client id gets nothing of the last one's`() throws {
    var recipients = Recipients()
    let filter = Array("$SYS/paywall/account".utf8)
    _ = recipients.subscribe(try client("a", "u"), to: filter, .account)
    let next = try client("a", "v", record: otherRecord)
    #expect(recipients.subscribe(next, to: filter, .account) == Array("u".utf8))
    #expect(recipients.takeRecipients(of: Array("u".utf8), isAnswer: false).isEmpty)
    #expect(recipients.takeRecipients(of: Array("v".utf8), isAnswer: false).count == 1)
    #expect(recipients.remove(Array("a".utf8)) == Array("v".utf8))
    #expect(recipients.isEmpty)
  }

  @Test func `a client's filters are bounded`() throws {
    var recipients = Recipients()
    for number in 0..<1000 {
      _ = recipients.subscribe(try client("a"), to: Array("\(number)".utf8), .key)
    }
    #expect(recipients.recipient(Array("a".utf8))?.filters.count == 16)
  }
}
