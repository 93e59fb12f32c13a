import IOTACrypto
import PaywallCore
import Testing

@testable import PaywallPlugin

/// How much of the broker's time wallets' logins may take.
@Suite struct WalletLoginsTests {
  private static let realm = "plug.example"

  /// A clock that a check takes so long by.
  private final class Clock {
    var nowUs: Int64 = 1_000_000
    private let stepUs: Int64

    init(stepUs: Int64) { self.stepUs = stepUs }

    func tell() -> Int64 {
      defer { nowUs += stepUs }
      return nowUs
    }
  }

  private func password(_ key: PrivateKey, expiryS: Int64 = 1_800_000_000) -> String {
    WalletLogin.password(key: key, realm: Self.realm, expiryS: expiryS)
  }

  private func isTooMany(_ verdict: WalletLogins.Verdict) -> Bool {
    if case .tooMany = verdict { return true }
    return false
  }

  @Test func `right and wrong logins are told apart, also when they come again`() {
    var logins = WalletLogins(realm: Self.realm)
    let clock = Clock(stepUs: 1)
    let (key, other) = (PrivateKey(), PrivateKey())
    for _ in 0..<3 {
      let right = logins.judge(key.address, password(key), isHolder: false, clockUs: clock.tell)
      guard case .valid(let expiryS) = right else {
        Issue.record("\(right)")
        return
      }
      #expect(expiryS == 1_800_000_000)
      for wrong in [password(other), password(key) + "x", "", "1800000001" + password(key)] {
        let verdict = logins.judge(key.address, wrong, isHolder: false, clockUs: clock.tell)
        guard case .invalid = verdict else {
          Issue.record("\(wrong): \(verdict)")
          return
        }
      }
      let foreign = logins.judge(other.address, password(key), isHolder: true, clockUs: clock.tell)
      guard case .invalid = foreign else {
        Issue.record("another's login")
        return
      }
    }
  }

  @Test func `strangers may take a tenth of the time, and holders as much besides`() {
    var logins = WalletLogins(realm: Self.realm)
    // Each check takes ten milliseconds.
    let clock = Clock(stepUs: 10_000)
    let key = PrivateKey()
    func checks(_ count: Int, isHolder: Bool) -> Int {
      (0..<count).count { number in
        let password = password(key, expiryS: 1_000_000 + clock.nowUs + Int64(number))
        return !isTooMany(
          logins.judge(key.address, password, isHolder: isHolder, clockUs: clock.tell))
      }
    }
    let first = checks(100, isHolder: false)
    #expect((10...25).contains(first), "what is saved up, and a tenth of what has passed")
    #expect(checks(1, isHolder: true) == 1)
    clock.nowUs += 100_000_000
    #expect((10...25).contains(checks(100, isHolder: false)), "no more than a second is saved up")
    #expect((10...25).contains(checks(100, isHolder: true)))
  }

  @Test func `a login that was right takes no time again, however many come`() {
    var logins = WalletLogins(realm: Self.realm)
    let clock = Clock(stepUs: 10_000)
    let key = PrivateKey()
    let known = password(key)
    _ = logins.judge(key.address, known, isHolder: false, clockUs: clock.tell)
    var number: Int64 = 0
    while !isTooMany(
      logins.judge(
        key.address, password(key, expiryS: 1 + number), isHolder: false, clockUs: clock.tell))
    {
      number += 1
    }
    let nowUs = clock.nowUs
    guard case .valid = logins.judge(key.address, known, isHolder: false, clockUs: clock.tell)
    else {
      Issue.record("it is remembered")
      return
    }
    #expect(clock.nowUs == nowUs, "no clock was asked: nothing was checked")
  }
}
