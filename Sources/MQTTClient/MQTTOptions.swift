/// Where and how a client connects.
public struct MQTTOptions: Sendable {
  /// Versions of the protocol.
  public enum ProtocolVersion: Sendable {
    /// MQTT 3.1.1.
    case v311
    /// MQTT 5.0.
    case v5
  }

  /// What carries the protocol.
  public enum Transport: Sendable {
    /// TCP, with or without TLS.
    case tcp
    /// Websockets, where libmosquitto has them.
    case websockets
  }

  /// Encryption.
  public struct TLS: Sendable {
    /// A PEM file with the certificates of authorities to trust; nil: those of the system.
    public var caFile: String?

    /// TLS with certificates from a file, or the system's.
    public init(caFile: String? = nil) { self.caFile = caFile }
  }

  /// The broker's name or address.
  public var host: String
  /// The broker's port: 1883 by custom, 8883 with TLS.
  public var port: UInt16
  /// The client identifier; a random one by default.
  ///
  /// A broker has only one connection of a name.
  public var clientID: String
  /// The user name; nil: anonymous.
  public var username: String?
  /// The password, never shown in errors.
  public var password: String?
  /// Encryption; nil: none.
  public var tls: TLS?
  /// What carries the protocol.
  public var transport = Transport.tcp
  /// The version of the protocol.
  public var protocolVersion = ProtocolVersion.v311
  /// What the broker publishes for the client when the connection breaks.
  public var will: MQTTMessage?
  /// Seconds of silence after which the two ends look for each other, from 5 to 65535.
  public var keepAliveS = 30
  /// How many received messages wait to be taken; then the oldest are dropped.
  public var maximumWaiting = 10_000

  /// A connection to a broker, without TLS and anonymous.
  public init(
    host: String, port: UInt16 = 1883, clientID: String = MQTTOptions.randomClientID()
  ) {
    self.host = host
    self.port = port
    self.clientID = clientID
  }

  /// A client identifier that nobody else has: a prefix and 64 random bits.
  public static func randomClientID(prefix: String = "paywall") -> String {
    let number = String(UInt64.random(in: .min ... .max), radix: 16)
    return "\(prefix)-" + String(repeating: "0", count: 16 - number.count) + number
  }
}
