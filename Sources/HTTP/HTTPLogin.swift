internal import CCurl

/// A user's name and password for a server that asks for them.
public struct HTTPLogin: Hashable, Sendable {
  /// How the password is shown to be known.
  public enum Scheme: Sendable {
    /// Both are sent as they are (RFC 7617), with the first request.
    case basic
    /// The server's challenge is answered with a hash, SHA-256 or MD5 as it asks for (RFC 7616).
    ///
    /// libcurl sends the request without a login, and once more with the answer to the challenge.
    case digest
  }

  /// How the password is shown to be known.
  public var scheme: Scheme
  /// The user's name.
  public var username: String
  /// The password, never shown in errors.
  public var password: String

  /// A login of the given parts.
  public init(_ scheme: Scheme, username: String, password: String) {
    self.scheme = scheme
    self.username = username
    self.password = password
  }

  /// Gives the login to a handle of libcurl.
  /// - Returns: whether libcurl took it.
  func set(on handle: UnsafeMutableRawPointer) -> Bool {
    // CURLAUTH_BASIC and CURLAUTH_DIGEST, macros that Swift does not see.
    let scheme = scheme == .basic ? 1 : 2
    return paywall_curl_set_long(handle, CURLOPT_HTTPAUTH, scheme) == CURLE_OK
      && paywall_curl_set_string(handle, CURLOPT_USERNAME, username) == CURLE_OK
      && paywall_curl_set_string(handle, CURLOPT_PASSWORD, password) == CURLE_OK
  }
}
