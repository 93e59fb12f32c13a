internal import HTTP

/// How to reach a node.
public struct NodeAddress: Hashable, Sendable {
  /// The node's URL, which may hold an API key.
  public var url: String
  /// Header fields to send with each request, as a provider's API key: names and values.
  public var headers: [String: String]

  /// A node at a URL.
  public init(url: String, headers: [String: String] = [:]) {
    self.url = url
    self.headers = headers
  }
}

/// A node and what is known about its health.
struct Node: Sendable {
  private(set) var api: any RebasedNode
  private(set) var failures = 0
  /// When it may be asked again, and why not now.
  private(set) var rest: (until: ContinuousClock.Instant, reason: String)?
  private var network: (identifier: String, checkedAt: ContinuousClock.Instant)?

  /// A load balancer can change what stands behind a URL without a failure.
  static let networkCheckInterval = Duration.seconds(600)

  init(_ api: any RebasedNode) {
    self.api = api
  }

  func isResting(at now: ContinuousClock.Instant) -> Bool {
    rest.map { now < $0.until } ?? false
  }

  /// The node's network; asked on first use, after a failure, and where the last answer is older
  /// than that.
  mutating func networkIdentifier(
    expected: String?, at now: ContinuousClock.Instant,
    maximumAge: Duration = Self.networkCheckInterval
  ) throws -> String {
    if let network, now - network.checkedAt < maximumAge {
      return network.identifier
    }
    let found = try api.networkIdentifier()
    if let expected, found != expected {
      throw NetworkMismatch(
        node: api.shownURL.description, expected: expected,
        found: SafeText.line(found, maximumCount: 40))
    }
    network = (found, now)
    return found
  }

  mutating func succeeded() {
    failures = 0
    rest = nil
  }

  /// Lets the node rest: longer with each failure, and at least as long as it asked for.
  mutating func failed(
    _ reason: String, retryAfterSeconds: Int?, at now: ContinuousClock.Instant, random: Double
  ) {
    let pause = max(
      Backoff.pause(failures: failures, random: random), .seconds(retryAfterSeconds ?? 0))
    failures += 1
    network = nil
    rest = (now + pause, reason)
  }
}

/// Exponential back-off with jitter, so that many brokers do not come back to a node at once.
enum Backoff {
  /// Between half a second and 1 s after the first failure, doubled with each, up to 1 minute:
  /// whoever pays after a long outage is waiting.
  ///
  /// The place within the range is `random`, from 0 to 1.
  static func pause(failures: Int, random: Double) -> Duration {
    let seconds = min(60, 1 << min(max(0, failures), 6))
    return .milliseconds(seconds * 1000) * (0.5 + 0.5 * min(max(0, random), 1))
  }
}
