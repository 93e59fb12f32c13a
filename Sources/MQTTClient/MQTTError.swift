internal import CMosquitto
internal import Glibc

/// Why a client could not do something: one sentence with the broker's host and port.
public struct MQTTError: Error, Hashable, CustomStringConvertible {
  /// The kind of failure; more kinds may come.
  public struct Kind: Hashable, Sendable, CustomStringConvertible {
    /// The kind in words.
    public let description: String

    private init(_ description: String) { self.description = description }

    /// There is no connection, or it broke.
    public static let noConnection = Kind("no connection")
    /// The broker answered CONNECT with a refusal.
    public static let refused = Kind("refused")
    /// The TLS handshake failed, or a certificate cannot be read.
    public static let tls = Kind("TLS")
    /// The broker does not allow a subscription.
    public static let denied = Kind("denied")
    /// Something took longer than it was given.
    public static let timeout = Kind("timeout")
    /// An option, a topic or a payload that MQTT does not allow.
    public static let invalid = Kind("invalid")
  }

  /// The kind of failure.
  public let kind: Kind
  /// One sentence: where, what, and what to do where that is known.
  public let description: String

  init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }

  /// An error for what a function of libmosquitto returned.
  ///
  /// `errno` must be that of the call.
  init(status: Int32, errno number: Int32, at broker: String) {
    switch mosq_err_t(rawValue: status) {
    case MOSQ_ERR_ERRNO:
      self.init(.noConnection, "\(broker): \(String(cString: strerror(number))).")
    case MOSQ_ERR_EAI:
      self.init(.noConnection, "\(broker): the name of the host cannot be resolved.")
    case MOSQ_ERR_TLS, MOSQ_ERR_TLS_HANDSHAKE:
      self.init(
        .tls,
        "\(broker): the TLS handshake failed; do the broker's certificate, the host's name and "
          + "the CA file fit each other?")
    case MOSQ_ERR_NO_CONN, MOSQ_ERR_CONN_LOST, MOSQ_ERR_KEEPALIVE:
      self.init(.noConnection, "\(broker): the connection was lost.")
    default:
      self.init(.invalid, "\(broker): \(String(cString: mosquitto_strerror(status)))")
    }
  }

  /// An error for the reason code of a CONNACK (MQTT 3.1.1, table 3.1; MQTT 5.0, section 3.2.2.2).
  init(refusal code: Int32, isVersion5: Bool, at broker: String) {
    let words: String
    switch (isVersion5, code) {
    case (false, 1): words = "it does not speak this version of MQTT"
    case (false, 2): words = "it does not accept the client identifier"
    case (false, 3): words = "it is not available"
    case (false, 4): words = "user name or password is wrong"
    case (false, 5): words = "not authorised; user name or password is wrong, or missing"
    default: words = String(cString: mosquitto_reason_string(code))
    }
    self.init(.refused, "\(broker): the broker refuses the connection: \(words).")
  }
}
