import IOTACrypto
import PaywallCore

/// Judges wallets' logins, within bounds of the time that strangers may take of the broker's thread.
///
/// An address costs nothing, and whoever owns one chooses how long its signatures take to check: up
/// to 10 ms for ten secp256k1 keys. So a login that was right once is not checked again, and checking
/// may take a tenth of the time for addresses that hold nothing, and as much for those that do.
struct WalletLogins {
  /// How many logins are remembered at most.
  private static let memoryLimit = 4096

  /// The time that one kind of addresses may take.
  private struct Budget {
    /// A tenth of the time, saved up for a second at most, in microseconds.
    private static let mostUs: Int64 = 100_000
    private var leftUs = Budget.mostUs
    private var filledAtUs: Int64 = 0

    mutating func hasAny(atUs nowUs: Int64) -> Bool {
      leftUs = min(Self.mostUs, leftUs &+ max(0, nowUs &- filledAtUs) / 10)
      filledAtUs = nowUs
      return leftUs > 0
    }

    mutating func spend(us: Int64) { leftUs -= us }
  }

  /// What a login comes to.
  enum Verdict {
    case valid(expiryS: Int64)
    case invalid
    case unsupported(SignatureScheme)
    /// Not checked: too many others were just now.
    case tooMany
  }

  private let realm: String
  /// Logins that were right, by a hash of address and password, with their expiry in Unix seconds.
  private var remembered: [Bytes32: Int64] = [:]
  private var strangers = Budget()
  private var holders = Budget()

  init(realm: String) {
    self.realm = realm
  }

  /// Judges a login, but not its expiry.
  ///
  /// - Parameters:
  ///   - address: Who wants to log in.
  ///   - password: The password.
  ///   - isHolder: Whether the address has bought anything that has not ended.
  ///   - clockUs: The monotonic clock, in microseconds.
  /// - Returns: What it comes to.
  mutating func judge(
    _ address: Address, _ password: String, isHolder: Bool, clockUs: () -> Int64
  ) -> Verdict {
    let key = Blake2b.hash(address.bytes + Array(password.utf8))
    if let expiryS = remembered[key] { return .valid(expiryS: expiryS) }
    let beganUs = clockUs()
    let mayCheck =
      isHolder ? holders.hasAny(atUs: beganUs) : strangers.hasAny(atUs: beganUs)
    guard mayCheck else { return .tooMany }
    let verdict = WalletLogin.verify(
      username: address.description, password: password, realm: realm)
    let tookUs = max(0, clockUs() &- beganUs)
    if isHolder { holders.spend(us: tookUs) } else { strangers.spend(us: tookUs) }
    switch verdict {
    case .valid(_, let expiryS):
      if remembered.count >= Self.memoryLimit { remembered.removeAll(keepingCapacity: true) }
      remembered[key] = expiryS
      return .valid(expiryS: expiryS)
    case .unsupported(let scheme): return .unsupported(scheme)
    case .invalid, .notAWallet: return .invalid
    }
  }
}
