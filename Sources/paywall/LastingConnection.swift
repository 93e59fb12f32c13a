import MQTTClient

/// A connection that is made again when it breaks, with a login made anew where that is refused: a
/// wallet's password expires.
struct LastingConnection {
  /// How often in a row a login may be refused; the pauses between are 1, 2, 4 and 8 s.
  private static let refusalLimit = 5

  /// The client that has the connection now.
  private(set) var client: MQTTClient
  /// Which connection it is, from 1.
  private(set) var number = 1

  private let identity: Identity
  private let broker: BrokerOptions
  private var connections: Int
  private var isLost = false
  private var refusals = 0
  private var nextLogin = ContinuousClock.now

  /// The connection of a client that has just been let in.
  init(_ client: MQTTClient, as identity: Identity, at broker: BrokerOptions) {
    self.client = client
    self.identity = identity
    self.broker = broker
    connections = client.connections
  }

  /// Looks how the connection is, tells when it is lost and when it is back, and logs in again.
  ///
  /// - Throws: ``BrokerError`` where the broker refuses the login again and again.
  mutating func follow() throws {
    if client.isConnected {
      guard isLost || client.connections != connections else { return }
      Terminal.note("The connection to \(client.broker) \(isLost ? "" : "was lost, and ")is back.")
      connections = client.connections
      number += 1
      isLost = false
      refusals = 0
      return
    }
    if !isLost {
      isLost = true
      Terminal.note("The connection to \(client.broker) is lost; it is tried again.")
    }
    guard let refusal = client.lastFailure, refusal.kind == .refused else { return }
    guard refusals < Self.refusalLimit else {
      throw BrokerError(
        "\(refusal) It does so again and again, so this login is not accepted any more.")
    }
    if .now >= nextLogin { try logInAgain() }
  }

  private mutating func logInAgain() throws {
    nextLogin = .now + .seconds(1 << refusals)
    // It would repeat the old password for ever.
    client.disconnect()
    do {
      client = try identity.connect(to: broker, timeoutMs: 5000)
      connections = 0
    } catch let error as MQTTError {
      if error.kind == .refused { refusals += 1 }
    }
  }
}
