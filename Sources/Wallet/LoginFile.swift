import FoundationEssentials
import Glibc
import IOTACrypto

/// The buyer's accounts at one broker, kept for next time in a file that only its owner may read.
///
/// The one used last comes first. None is ever dropped, for an account may hold bought time; one that
/// the broker has refused is set aside.
public struct LoginFile: Sendable {
  /// A name and a password at a broker.
  public struct Login: Codable, Hashable, Sendable {
    /// The name as the buyer chose it, without `buyer:`.
    public let username: String
    /// The password.
    public let password: String

    /// A login of the given parts.
    public init(username: String, password: String) {
      self.username = username
      self.password = password
    }

    /// A login that nobody can guess: 40 random bits of name, or the given one, and 128 of password.
    public static func random(username: String? = nil) -> Login {
      let letters = Array("abcdefghijklmnopqrstuvwxyz234567")
      let name = randomBytes(count: 8).map { letters[Int($0 % 32)] }
      return Login(
        username: username ?? "buyer-" + String(name),
        password: Base64URL.encode(randomBytes(count: 16)))
    }
  }

  private struct Content: Codable {
    var logins: [Login] = []
    /// The logins that were set aside.
    var refused: [Login]?

    mutating func remove(_ login: Login) {
      logins.removeAll { $0 == login }
      refused?.removeAll { $0 == login }
      if refused == [] { refused = nil }
    }
  }

  /// Where the file is.
  public let path: String

  /// The file at a path.
  public init(path: String) {
    self.path = path
  }

  private var file: PrivateFile {
    PrivateFile(kind: "login file", path: path, maximumByteCount: 1 << 20)
  }

  /// The saved logins, the one used last first.
  ///
  /// - Throws: ``WalletError`` of the code `keyFile` where others can read the file, or it holds
  ///   something else.
  public func logins() throws(WalletError) -> [Login] { try content().logins }

  /// The logins that were set aside and not accepted since, the newest first.
  ///
  /// - Throws: As ``logins()``.
  public func refusedLogins() throws(WalletError) -> [Login] { try content().refused ?? [] }

  private func content() throws(WalletError) -> Content {
    guard let text = try file.read() else { return Content() }
    guard let content = try? JSONDecoder().decode(Content.self, from: Data(text)) else {
      throw file.failure("it is not as 'paywall buy' writes it")
    }
    return content
  }

  /// Saves a login as the first, also one that was set aside.
  ///
  /// - Throws: ``WalletError`` of the code `keyFile` where the file cannot be written.
  public func save(_ login: Login) throws(WalletError) {
    try change { content in
      content.remove(login)
      content.logins.insert(login, at: 0)
    }
  }

  /// Sets a login aside that the broker has refused, so that no later purchase is made for it.
  ///
  /// It is kept: its payment may count later than anybody waits.
  ///
  /// - Throws: ``WalletError`` of the code `keyFile` where the file cannot be written.
  public func setAside(_ login: Login) throws(WalletError) {
    try change { content in
      content.remove(login)
      content.refused = [login] + (content.refused ?? [])
    }
  }

  private func change(_ change: (inout Content) -> Void) throws(WalletError) {
    // Two purchases at once must not lose each other's login, for both are paid.
    let lock = try file.lock()
    defer { close(lock) }
    var content = try content()
    change(&content)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
    guard let json = try? encoder.encode(content) else {
      throw file.failure("the login cannot be written as JSON")
    }
    try file.replace(with: Array(json) + [UInt8(ascii: "\n")])
  }

  /// Reads a password from the first line of a file that only its owner may read.
  ///
  /// - Throws: ``WalletError`` of the code `keyFile` where the file holds none.
  public static func password(inFile path: String) throws(WalletError) -> String {
    let file = PrivateFile(kind: "password file", path: path, maximumByteCount: 4096)
    guard let bytes = try file.read() else { throw file.failure("there is none") }
    let line = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
    guard let text = String(validating: line, as: UTF8.self), !text.isEmpty,
      !line.contains(0)
    else { throw file.failure("its first line holds no password in UTF-8") }
    return text
  }
}
