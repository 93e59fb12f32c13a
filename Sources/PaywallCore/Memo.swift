/// What a sender wrote beside a payment: for whom it is, and for which offer.
///
/// A memo is a JSON object in a pure input of the transaction, as raw bytes or as a BCS string
/// (ULEB128 length and UTF-8, what `0x1::string::utf8` takes).
public struct Memo: Hashable, Sendable {
  /// What the memo says.
  public enum Content: Hashable, Sendable {
    /// There is no memo: the payment is for the sender's address.
    case none
    /// `{"username":…}`: for a broker account, or for a buyer as `buyer:NAME`.
    case plain(username: [UInt8], offer: [UInt8]?)
    /// `{"sealed":…}`: credentials that only the broker can read.
    case sealed([UInt8])
    /// It cannot be told what is meant; the reason in words.
    case contradictory(String)
  }

  /// What the memo says.
  public var content: Content
  /// The memo as it was written, for the ledger; several are separated by line feeds.
  public var text: String?

  /// A memo of the given parts.
  public init(content: Content, text: String?) {
    self.content = content
    self.text = text
  }

  /// No memo.
  public static let none = Memo(content: .none, text: nil)

  /// Finds the memo among the pure inputs of a transaction.
  ///
  /// An input that is no JSON object, or has neither `username` nor `sealed`, is no memo. Any bytes
  /// may be given. Every broker must read a memo alike, so objects with repeated keys are held
  /// contradictory instead of leaving the choice to a parser.
  public static func read(pureInputs: some Sequence<[UInt8]>) -> Memo {
    // As a string first: its length may be a byte that is white space in JSON.
    let memos = pureInputs.compactMap { input in
      stringContents(input).flatMap(read(json:)) ?? read(json: input[...])
    }
    guard memos.count > 1 else { return memos.first ?? .none }
    return Memo(
      content: .contradictory("the transaction holds \(memos.count) memos"),
      text: memos.compactMap(\.text).joined(separator: "\n"))
  }

  private static func read(json: ArraySlice<UInt8>) -> Memo? {
    guard let members = JSONObject.members(of: json) else { return nil }
    let names = members.map(\.name)
    let isPlain = names.contains(usernameKey)
    let isSealed = names.contains(sealedKey)
    guard isPlain || isSealed else { return nil }
    return Memo(
      content: content(of: members, isPlain: isPlain, isSealed: isSealed),
      text: String(decoding: json, as: UTF8.self))
  }

  private static func content(
    of members: [JSONObject.Member], isPlain: Bool, isSealed: Bool
  ) -> Content {
    let ours = members.filter { [usernameKey, sealedKey, offerKey].contains($0.name) }
    guard Set(ours.map(\.name)).count == ours.count else {
      return .contradictory("the memo holds a key twice")
    }
    guard !(isPlain && isSealed) else {
      return .contradictory("the memo holds 'sealed' beside 'username'")
    }
    var values: [[UInt8]: [UInt8]] = [:]
    for member in ours {
      guard case .string(let value) = member.value else {
        let name = String(decoding: member.name, as: UTF8.self)
        return .contradictory("the memo's '\(name)' is no string")
      }
      values[member.name] = value
    }
    if let username = values[usernameKey] {
      return .plain(username: username, offer: values[offerKey])
    }
    return .sealed(values[sealedKey] ?? [])
  }

  /// The contents of a BCS string, or nil where the bytes are none.
  ///
  /// Pure inputs are shorter than 16 KiB, so the length takes one or two bytes.
  private static func stringContents(_ bytes: [UInt8]) -> ArraySlice<UInt8>? {
    guard let first = bytes.first else { return nil }
    if first < 128 {
      return bytes.count == 1 + Int(first) ? bytes[1...] : nil
    }
    guard bytes.count > 2, (1..<128).contains(bytes[1]) else { return nil }
    let length = Int(first & 127) | Int(bytes[1]) << 7
    return bytes.count == 2 + length ? bytes[2...] : nil
  }

  private static let usernameKey = Array("username".utf8)
  private static let sealedKey = Array("sealed".utf8)
  private static let offerKey = Array("offer".utf8)
}
