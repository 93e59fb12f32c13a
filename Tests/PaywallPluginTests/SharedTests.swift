import CMosquittoPlugin
import DevTangle
import PaywallCore
import TestSupport
import Testing

@testable import PaywallPlugin

private let success = MOSQ_ERR_SUCCESS.rawValue
private let denied = MOSQ_ERR_ACL_DENIED.rawValue

/// Members of shared subscriptions: who may be one, who is kicked, and who is forgotten.
struct SharedTests {
  private static let other = """
    [[offer]]
    name = "other"
    topics = ["other/#"]
    price = "1000 nanos"
    per = "1s"
    """
  private let live = "$share/group/sensor/live"

  private func withSessions(
    _ market: Market, more: String = "",
    _ body: @escaping @Sendable (PluginHost, Sessions) throws -> Void
  ) async throws {
    let configuration = PluginHost.configuration(market.settings, more: more)
    try await onThread {
      let host = try PluginHost(configuration, tangle: market.settings)
      #expect(host.start() == success)
      try Sessions.with(host) { try body(host, $0) }
    }
    await market.tangle.stop()
  }

  private func reload(_ host: PluginHost, _ text: String) throws {
    try host.scratch.write(text, to: "paywall.toml")
    #expect(host.reload() == success)
  }

  private func becomes(_ host: PluginHost, _ condition: () -> Bool) -> Bool {
    eventually {
      host.tick()
      return condition()
    }
  }

  @Test func `who shares a topic from before it was sold is kicked when it is`() async throws {
    let market = try await Market()
    try await withSessions(market) { host, sessions in
      for (id, username) in [("stranger", nil), ("agent", "agent"), ("elsewhere", nil)] {
        sessions.connect(.init(id: id, username: username))
        let filter = id == "elsewhere" ? "$share/g/else" : "$share/g/sensor/new"
        #expect(sessions.subscribe(id, filter) == success)
      }
      let sold = Self.other.replacing("other/#", with: "sensor/new")
      try reload(host, PluginHost.configuration(market.settings, more: sold))
      #expect(becomes(host) { !sessions.kicked.isEmpty })
      for _ in 0..<10 { host.tick() }
      #expect(sessions.kicked == ["stranger"])
      #expect(host.plugin?.sharedMembers.count == 2)
    }
  }

  @Test func `who shares a topic that becomes free stays when its time is over`() async throws {
    let market = try await Market()
    try await withSessions(market) { host, sessions in
      sessions.connect(.init(id: "payer", username: "johndoe"))
      #expect(sessions.subscribe("payer", live) == denied)
      try market.pay(6000, memo: #"{"username":"johndoe"}"#)
      #expect(eventually { sessions.subscribe("payer", live) == success })
      try reload(host, PluginHost.configuration(market.settings, free: "sensor/#"))
      #expect(becomes(host) { host.read("sensor/live", username: nil) == success })
      let ended = ContinuousClock.now + .seconds(6.5)
      #expect(becomes(host) { ContinuousClock.now > ended })
      #expect(sessions.kicked.isEmpty)
      // It is known still.
      try reload(host, PluginHost.configuration(market.settings))
      #expect(becomes(host) { sessions.kicked == ["payer"] })
    }
  }

  @Test func `strangers keep no payer from sharing, however many they are`() async throws {
    let market = try await Market()
    try await withSessions(market) { host, sessions in
      for number in 0..<10 {
        let id = "stranger\(number)"
        sessions.connect(.init(id: id, username: nil))
        for filter in 0..<1000 {
          #expect(sessions.subscribe(id, "$share/g/else/\(filter)") == success)
        }
      }
      sessions.connect(.init(id: "greedy", username: nil))
      let long = "$share/g/" + String(repeating: "x", count: 60_000)
      let codes = (0..<10).map { sessions.subscribe("greedy", "\(long)\($0)") }
      #expect(codes.first == success)
      #expect(codes.last == denied, "one client's filters are kept up to a size")
      #expect(host.check(MOSQ_ACL_UNSUBSCRIBE, long + "0", username: nil) == success)

      sessions.connect(.init(id: "payer", username: "johndoe"))
      _ = sessions.subscribe("payer", live)
      try market.pay(5000, memo: #"{"username":"johndoe"}"#)
      #expect(eventually { sessions.subscribe("payer", live) == success })
      #expect(becomes(host) { sessions.kicked == ["payer"] })
    }
  }

  @Test(arguments: [CInt(MOSQ_EVT_DISCONNECT.rawValue), 28])
  func `sessions that have ended are forgotten, and those that go on are not`(event: CInt)
    async throws
  {
    let market = try await Market()
    try await withSessions(market) { host, sessions in
      for version in [4, 5] as [CInt] {
        for isKept in [false, true] {
          let id = "\(version) \(isKept)"
          sessions.connect(
            .init(id: id, username: nil, version: version, isClean: !isKept), isKept: isKept)
          #expect(sessions.subscribe(id, "$share/g/else") == success)
          sessions.disconnect(id, event: event)
        }
      }
      #expect(becomes(host) { host.plugin?.sharedMembers.count == 2 })
      // A CONNECT that the broker refuses is no end of the session.
      let refused = PluginHost.Connection(id: "5 true", username: nil, version: 5)
      _ = host.connect(refused)
      host.disconnect(refused, event: event)
      let wallet = PluginHost.Connection(id: "4 true", username: "buyer:x")
      #expect(host.connect(wallet) == MOSQ_ERR_AUTH.rawValue)
      host.disconnect(wallet, event: event)
      for _ in 0..<10 { host.tick() }
      #expect(host.plugin?.sharedMembers.count == 2)
      for id in ["4 true", "5 true"] { sessions.expire(id) }
      #expect(becomes(host) { host.plugin?.sharedMembers.isEmpty == true })
      #expect(sessions.kicked.isEmpty)
      let missed = sessions.missed
      for _ in 0..<10 { host.tick() }
      #expect(sessions.missed == missed)
    }
  }

  @Test func `who gets a member's client id is not kicked in its place`() async throws {
    let market = try await Market()
    try await withSessions(market) { host, sessions in
      _ = host.check(MOSQ_ACL_SUBSCRIBE, "sensor/live", username: nil)
      try market.pay(6000, memo: #"{"username":"johndoe"}"#)
      let ids = ["none", "nobody", "johndoe", "janedoe"]
      for id in ids { sessions.connect(.init(id: id, username: "johndoe", version: 5)) }
      #expect(eventually { sessions.subscribe(ids[0], live) == success })
      for id in ids { #expect(sessions.subscribe(id, live) == success) }
      // One is gone, one is taken over, and two have new owners.
      for id in ids where id != "johndoe" { sessions.disconnect(id) }
      sessions.connect(.init(id: "nobody", username: nil, version: 5))
      sessions.connect(.init(id: "johndoe", username: "johndoe", version: 5))
      sessions.connect(.init(id: "janedoe", username: "janedoe", version: 5))
      #expect(becomes(host) { host.read("sensor/live", username: "johndoe") == denied })
      #expect(becomes(host) { host.plugin?.sharedMembers.isEmpty == true })
      #expect(sessions.kicked.isEmpty)
    }
  }

  @Test(arguments: [false, true])
  func `what a session shared that was not kept is nothing of the next one's`(isTakenOver: Bool)
    async throws
  {
    let market = try await Market()
    try await withSessions(market) { host, sessions in
      sessions.connect(.init(id: "member", username: "johndoe"))
      _ = sessions.subscribe("member", "sensor/live")
      try market.pay(6000, memo: #"{"username":"johndoe"}"#)
      #expect(eventually { sessions.subscribe("member", live) == success })
      if !isTakenOver { sessions.disconnect("member") }
      let next = PluginHost.Connection(id: "member", username: "johndoe", isClean: false)
      sessions.connect(next, isKept: true)
      #expect(becomes(host) { host.plugin?.sharedMembers.isEmpty == true })
      #expect(becomes(host) { host.read("sensor/live", username: "johndoe") == denied })
      for _ in 0..<10 { host.tick() }
      #expect(sessions.kicked.isEmpty)
    }
  }

  @Test(arguments: [false, true])
  func `a connection in the place of an older one's record is another`(isKept: Bool) async throws {
    let market = try await Market()
    try await withSessions(market) { host, sessions in
      let place = PluginHost.Connection(
        id: "member", username: "johndoe", version: 5, isClean: false)
      sessions.connect(place, isKept: true)
      _ = sessions.subscribe("member", "sensor/live")
      try market.pay(6000, memo: #"{"username":"johndoe"}"#)
      #expect(eventually { sessions.subscribe("member", live) == success })
      host.tick()
      sessions.connect(.init(id: "member", username: "johndoe"))
      place.isClean = !isKept
      sessions.connect(place, isKept: isKept)
      #expect(becomes(host) { host.plugin?.sharedMembers.isEmpty == true })
      #expect(becomes(host) { host.read("sensor/live", username: "johndoe") == denied })
      for _ in 0..<10 { host.tick() }
      #expect(sessions.kicked.isEmpty)
    }
  }

  @Test func `a session that goes on is judged by its new owner's account`() async throws {
    let market = try await Market()
    try await withSessions(market) { host, sessions in
      sessions.connect(.init(id: "member", username: "agent", isClean: false), isKept: true)
      #expect(sessions.subscribe("member", live) == success)
      sessions.disconnect("member")
      host.tick()
      let thief = PluginHost.Connection(id: "member", username: "janedoe", isClean: false)
      sessions.connect(thief, isKept: true, goesOn: true)
      #expect(becomes(host) { sessions.kicked == ["member"] })
      #expect(sessions["member"]?.filters.isEmpty == true)
    }
  }

  @Test func `a kicked session keeps what it may still share, and what it does not share`()
    async throws
  {
    let market = try await Market()
    try await withSessions(market, more: Self.other) { host, sessions in
      let member = PluginHost.Connection(id: "member", username: "johndoe", isClean: false)
      sessions.connect(member, isKept: true)
      _ = sessions.subscribe("member", "sensor/live")
      try market.pay(6000, memo: #"{"username":"johndoe"}"#)
      try market.pay(12_000, memo: #"{"username":"johndoe","offer":"other"}"#)
      let shared = [live, "$share/group/other/a"]
      for filter in shared {
        #expect(eventually { sessions.subscribe("member", filter) == success })
      }
      #expect(becomes(host) { sessions.kicked == ["member"] })
      #expect(sessions["member"]?.filters == ["sensor/live", shared[1]])
      // Offline it would swallow messages too.
      #expect(becomes(host) { sessions["member"]?.filters == ["sensor/live"] })
      #expect(sessions.kicked == ["member"])
      #expect(host.plugin?.sharedMembers.isEmpty == true)
    }
  }

  @Test func `of one account, the newest connections share an offer that limits them`()
    async throws
  {
    let market = try await Market()
    try await withSessions(market, more: "clients = 1") { host, sessions in
      sessions.connect(.init(id: "first", username: "johndoe"))
      _ = sessions.subscribe("first", live)
      try market.pay(60_000, memo: #"{"username":"johndoe"}"#)
      #expect(eventually { sessions.subscribe("first", live) == success })
      sessions.connect(.init(id: "second", username: "johndoe"))
      #expect(becomes(host) { sessions.kicked == ["first"] })
      sessions.connect(.init(id: "third", username: "johndoe"))
      #expect(sessions.subscribe("second", live) == denied)
      #expect(sessions.subscribe("third", live) == success)
    }
  }
}
