import Foundation
import IOTACrypto
import PaywallCore
import Synchronization
import TestSupport
import Testing
import Wallet

/// `paywall watch` while the broker denies, breaks the connection, or refuses the login.
@Suite(.timeLimit(.minutes(2))) struct StreamTests {
  private let home: Home
  private let stall: Stall

  init() throws {
    home = try Home()
    stall = try Stall()
  }

  /// A broker that asks the test whom to let in, and what to tell of the account.
  private func broker(
    accepts: @escaping @Sendable (StandIn.Login) -> Bool, account: @escaping @Sendable () -> String
  ) throws -> StandIn {
    let offers = try stall.offers(network: "test")
    return try StandIn(
      accepts: accepts,
      messages: { filter, _ in
        switch filter {
        case SystemTopic.offers: [(filter, offers)]
        case SystemTopic.account: [(filter, Array(account().utf8))]
        case "sensor/live": [(filter, Array("kept".utf8))]
        default: []
        }
      })
  }

  private func save(_ username: String, at broker: StandIn) throws {
    try LoginFile(path: home.loginsPath("127.0.0.1:\(broker.port)"))
      .save(.init(username: username, password: "secret"))
  }

  private func watch(_ broker: StandIn, _ more: String...) throws -> Home.Run {
    try home.start(["watch", "mqtt://127.0.0.1:\(broker.port)", "live"] + more)
  }

  @Test func `a broker that denies what is not bought yet is asked again once it is`() async throws
  {
    try await onThread {
      let broker = try broker(accepts: { _ in true }, account: { Stall.report(of: nil) })
      broker.state.withLock { $0.denied = ["sensor/live"] }
      try save("jane", at: broker)
      let stream = try watch(broker)
      let isWaiting = eventually { stream.errors.contains("waiting for a payment to count") }
      #expect(isWaiting, "\(stream.errors)")
      #expect(stream.isRunning && stream.output.isEmpty)
      // It is told of the access before it is let in.
      broker.publish(SystemTopic.account, Stall.report(of: "live", notice: "accepted"))
      #expect(eventually { stream.errors.contains("it is tried again") }, "\(stream.errors)")
      broker.state.withLock { $0.denied = [] }
      #expect(eventually { stream.output == "kept\n" }, "\(stream.errors)")
      broker.publish("sensor/live", "new")
      #expect(eventually { stream.output == "kept\nnew\n" })
      broker.publish(SystemTopic.account, Stall.report(of: "live", until: nil, notice: "ended"))
      let end = stream.wait()
      #expect(end.code == 0 && end.errors.contains("Ended: 'live'"), "\(end)")
    }
  }

  @Test func `where it may read, it subscribes once, and gets what is kept once`() async throws {
    try await onThread {
      let broker = try broker(accepts: { _ in true }, account: { Stall.report(of: "live") })
      try save("jane", at: broker)
      let stream = try watch(broker)
      #expect(eventually { stream.output == "kept\n" }, "\(stream.errors)")
      let filters = broker.state.withLock { $0.subscriptions }
      #expect(filters == [SystemTopic.offers, SystemTopic.account, "sensor/live"])
      // More time is no new access.
      broker.publish(SystemTopic.account, Stall.report(of: "live", notice: "accepted"))
      broker.publish("sensor/live", "new")
      #expect(eventually { stream.output == "kept\nnew\n" })
    }
  }

  @Test func `a connection that breaks is told of, and comes back with a wallet's new password`()
    async throws
  {
    try await onThread {
      let passwords = Mutex(Set<String>())
      let broker = try broker(
        accepts: { login in
          Stall.isWallet(login)
            && passwords.withLock { $0.insert(login.password ?? "").inserted }
        }, account: { Stall.report(of: "live") })
      #expect(try home.start(["wallet", "new"]).wait().code == 0)
      let stream = try watch(broker, "--wallet-login")
      #expect(eventually { stream.output == "kept\n" }, "\(stream.errors)")
      broker.breakConnections()
      #expect(eventually { stream.output == "kept\nkept\n" }, "\(stream.errors)")
      #expect(stream.errors.contains("is lost; it is tried again."))
      #expect(stream.errors.contains("is back."))
      // Each password is accepted once, as if it had expired since.
      #expect(passwords.withLock { $0.count } > 1)
    }
  }

  @Test func `a login that is refused for good ends it`() async throws {
    try await onThread {
      let isOpen = Mutex(true)
      let broker = try broker(
        accepts: { _ in isOpen.withLock { $0 } }, account: { Stall.report(of: "live") })
      try save("jane", at: broker)
      let stream = try watch(broker)
      #expect(eventually { stream.output == "kept\n" }, "\(stream.errors)")
      isOpen.withLock { $0 = false }
      broker.breakConnections()
      let end = stream.wait()
      #expect(end.code == 6 && end.errors.contains("not accepted any more"), "\(end)")
    }
  }

  @Test func `a login that was set aside is used where there is no other, and is good again`()
    async throws
  {
    try await onThread {
      let broker = try broker(accepts: { _ in true }, account: { Stall.report(of: "live") })
      let logins = LoginFile(path: home.loginsPath("127.0.0.1:\(broker.port)"))
      let jane = LoginFile.Login(username: "jane", password: "secret")
      try logins.save(jane)
      try logins.setAside(jane)
      let watched = try home.start([
        "watch", "mqtt://127.0.0.1:\(broker.port)", "live", "--count", "1",
      ]).wait()
      #expect(watched.code == 0, "\(watched)")
      #expect(broker.state.withLock { $0.logins.allSatisfy { $0.username == "jane" } })
      #expect(try logins.logins() == [jane])
      #expect(try logins.refusedLogins().isEmpty)
    }
  }
}
