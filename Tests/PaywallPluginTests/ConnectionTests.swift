import CMosquittoPlugin
import DevTangle
import FakeBroker
import Foundation
import PaywallCore
import TestSupport
import Testing

@testable import PaywallPlugin

private let success = MOSQ_ERR_SUCCESS.rawValue
private let denied = MOSQ_ERR_ACL_DENIED.rawValue
private let deferred = MOSQ_ERR_PLUGIN_DEFER.rawValue
private let refused = MOSQ_ERR_AUTH.rawValue

struct ConnectionTests {
  private func withPlugin(
    _ market: Market, _ body: @escaping @Sendable (PluginHost) throws -> Void
  ) async throws {
    try await onThread {
      let host = try PluginHost(tangle: market.settings)
      #expect(host.start() == success)
      try body(host)
    }
    await market.tangle.stop()
  }

  @Test func `a client id that is connected under an account is nobody else's`() async throws {
    try await withPlugin(Market()) { host in
      let payer = PluginHost.Connection(id: "reader", username: "johndoe")
      #expect(host.connect(payer) == deferred)
      for username in ["jane", "buyer", nil] {
        let stranger = PluginHost.Connection(id: "reader", username: username)
        #expect(host.connect(stranger) == refused, "\(username ?? "anonymous")")
      }
      let again = PluginHost.Connection(id: "reader", username: "johndoe")
      #expect(host.connect(again) == deferred, "the owner may take over")
      host.disconnect(payer)
      let late = PluginHost.Connection(id: "reader", username: "jane")
      #expect(host.connect(late) == refused, "the old connection's end is not the new one's")
      host.disconnect(again)
      #expect(host.connect(late) == deferred)
    }
  }

  @Test func `a CONNECT that the broker refuses does not open an id to others`() async throws {
    try await withPlugin(Market()) { host in
      let payer = PluginHost.Connection(id: "reader", username: "johndoe")
      #expect(host.connect(payer) == deferred)
      // With the payer's name and a wrong password, which the broker's password_file refuses.
      let attack = PluginHost.Connection(id: "reader", username: "johndoe")
      #expect(host.connect(attack) == deferred)
      host.disconnect(attack)
      let stranger = PluginHost.Connection(id: "reader", username: "jane")
      #expect(host.connect(stranger) == refused)
    }
  }

  @Test func `an anonymous client keeps nobody from an id`() async throws {
    try await withPlugin(Market()) { host in
      let stranger = PluginHost.Connection(id: "reader", username: nil)
      #expect(host.connect(stranger) == deferred)
      let payer = PluginHost.Connection(id: "reader", username: "johndoe")
      #expect(host.connect(payer) == deferred)
      let other = PluginHost.Connection(id: "reader", username: nil)
      #expect(host.connect(other) == refused)
    }
  }

  @Test func `a SIGHUP refuses nobody who is connected`() async throws {
    try await withPlugin(Market()) { host in
      let payer = PluginHost.Connection(id: "reader", username: "johndoe")
      #expect(host.connect(payer) == deferred)
      #expect(host.reload() == success)
      #expect(host.connect(payer) == deferred)
      let offline = PluginHost.Connection(id: "reader", username: "jane")
      #expect(host.connect(offline) == deferred, "a session that is not connected")
      host.tick()
      #expect(host.connect(offline) == refused)
    }
  }

  @Test func `a member of a shared subscription is kicked when its time is over`() async throws {
    let market = try await Market()
    try await withPlugin(market) { host in
      let member = PluginHost.Connection(id: "member", username: "johndoe")
      let other = PluginHost.Connection(id: "other", username: "johndoe")
      for connection in [member, other] { #expect(host.connect(connection) == deferred) }
      let shared = "$share/group/sensor/live"
      #expect(host.check(MOSQ_ACL_SUBSCRIBE, shared, by: member) == denied)
      try market.pay(6000, memo: #"{"username":"johndoe"}"#)
      #expect(eventually { host.check(MOSQ_ACL_SUBSCRIBE, shared, by: member) == success })
      #expect(host.check(MOSQ_ACL_SUBSCRIBE, shared, by: other) == success)
      #expect(host.check(MOSQ_ACL_UNSUBSCRIBE, shared, by: other) == success)
      host.tick()
      #expect(String(cString: fake_broker_last_kicked()) == "")
      #expect(
        eventually {
          host.tick()
          return String(cString: fake_broker_last_kicked()) == "member"
        })
      #expect(host.check(MOSQ_ACL_SUBSCRIBE, shared, by: member) == denied)
    }
  }

  @Test func `of one account, the newest connections read an offer that limits them`() async throws
  {
    let market = try await Market()
    let configuration = PluginHost.configuration(market.settings, more: "clients = 2")
    try await onThread {
      let host = try PluginHost(configuration, tangle: market.settings)
      #expect(host.start() == success)
      let readers = (1...3).map { PluginHost.Connection(id: "reader\($0)", username: "johndoe") }
      for reader in readers { #expect(host.connect(reader) == deferred) }
      let offline = PluginHost.Connection(id: "offline", username: "johndoe")
      func read() -> [CInt] {
        (readers + [offline]).map { host.check(MOSQ_ACL_READ, "sensor/live", by: $0) }
      }
      _ = host.check(MOSQ_ACL_SUBSCRIBE, "sensor/live", by: readers[0])
      try market.pay(60_000, memo: #"{"username":"johndoe"}"#)
      #expect(eventually { host.check(MOSQ_ACL_READ, "sensor/live", by: readers[2]) == success })
      #expect(read() == [denied, success, success, denied])
      host.disconnect(readers[2])
      #expect(read() == [success, success, denied, denied])
      #expect(host.check(MOSQ_ACL_READ, "sensor/1m", by: offline) == success)
      let agent = PluginHost.Connection(id: "agent", username: "agent")
      #expect(host.check(MOSQ_ACL_READ, "sensor/live", by: agent) == success)
    }
    await market.tangle.stop()
  }

  @Test func `a client whose name is in its certificate is known from the first question`()
    async throws
  {
    let market = try await Market()
    let configuration = PluginHost.configuration(market.settings, more: "clients = 1")
    try await onThread {
      let host = try PluginHost(configuration, tangle: market.settings)
      #expect(host.start() == success)
      let ids = ["subscriber", "returning", "ended"]
      let readers = ids.map {
        PluginHost.Connection(id: $0, username: "johndoe", hasCertificate: true)
      }
      #expect(host.check(MOSQ_ACL_SUBSCRIBE, "sensor/live", by: readers[0]) == success)
      let stranger = PluginHost.Connection(id: "subscriber", username: "jane")
      #expect(host.connect(stranger) == refused)
      try market.pay(60_000, memo: #"{"username":"johndoe"}"#)
      func mayRead(_ index: Int) -> Bool {
        host.check(MOSQ_ACL_READ, "sensor/live", by: readers[index]) == success
      }
      #expect(eventually { mayRead(0) })
      // What a session has waited for is judged before anything else is asked.
      #expect(mayRead(1))
      #expect(!mayRead(0))

      host.disconnect(readers[1])
      #expect(!mayRead(1), "asked once more, for its will")
      readers[1].loseCertificate()
      host.tick()
      #expect(!mayRead(1), "a session that is offline")
      #expect(mayRead(0))
      #expect(host.check(MOSQ_ACL_WRITE, "sensor/live", by: readers[2]) == denied)
      #expect(mayRead(0), "a will is no connection")
    }
    await market.tangle.stop()
  }

  @Test func `counts connections of an account from the newest`() throws {
    var connections = Connections()
    let records = (1...4).compactMap { UnsafeRawPointer(bitPattern: $0 * 64) }
    for (index, record) in records.enumerated() {
      let username: Username? = index == 3 ? nil : [1]
      connections.insert(
        record, clientID: [UInt8(index)], username: username, isClean: true)
    }
    func newest(_ limit: Int) -> [Bool] { records.map { connections.isAmongNewest(limit, $0) } }
    #expect(newest(1) == [false, false, true, false])
    #expect(newest(2) == [false, true, true, false])
    #expect(newest(9) == [true, true, true, false])
    connections.remove(records[2])
    #expect(newest(1) == [false, true, false, false])
    for record in records { connections.remove(record) }
    #expect(connections.count == 0)
    #expect(!connections.isConnected([0]))
  }
}
