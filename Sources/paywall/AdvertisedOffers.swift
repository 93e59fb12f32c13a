import Foundation
import HTTP
import PaywallCore

/// What a broker says on `$SYS/paywall/offers`: whom to pay, and what is sold.
///
/// Anybody can run a broker: what is absurd is refused, and its texts are shown through `SafeText`
/// alone.
struct AdvertisedOffers {
  let seller: Address
  /// The identifier of the chain that the seller is paid on.
  let network: String
  let `protocol`: String
  let realm: String
  /// In the seller's order; a payment that names none is for the first.
  let offers: [Offer]

  private static let maximumByteCount = 256 * 1024
  /// The whole supply is below this.
  private static let maximumNanos: Nanos = 5_000_000_000_000_000_000
  /// A hundred years.
  private static let maximumMs: Int64 = 100 * 366 * 86_400_000

  /// - Throws: ``BrokerError`` for anything that a paywall would not say.
  init(json: [UInt8]) throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    guard json.count <= Self.maximumByteCount,
      let message = try? decoder.decode(Message.self, from: Data(json)),
      let seller = Address(message.address), message.offers.count <= 1000,
      Self.isPlain(message.network, maximumCount: 64),
      Self.isPlain(message.realm, maximumCount: 253)
    else {
      throw BrokerError("What the broker says of its offers cannot be read, so nothing was paid.")
    }
    self.seller = seller
    network = message.network
    `protocol` = message.protocol
    realm = message.realm
    offers = try message.offers.map(Self.offer)
    guard Set(offers.map(\.name)).count == offers.count else {
      throw BrokerError("The broker offers two things under one name, so nothing was paid.")
    }
  }

  /// The offer of a name.
  ///
  /// - Throws: ``BrokerError`` that names those that there are.
  func offer(named name: Name) throws -> Offer {
    if let offer = offers.first(where: { $0.name == name }) { return offer }
    let names = offers.prefix(20).map { SafeText.line($0.name.description, maximumCount: 64) }
    throw BrokerError(
      "The broker does not sell '\(name)'; it sells "
        + (names.isEmpty ? "nothing now." : names.joined(separator: ", ") + "."))
  }

  private static func offer(_ entry: Message.Entry) throws -> Offer {
    let topics = entry.topics.prefix(1000).compactMap { TopicFilter($0) }
    guard let name = Name(entry.name), topics.count == entry.topics.count, !topics.isEmpty,
      (1...maximumNanos).contains(entry.priceNanos), (1...maximumMs).contains(entry.perMs),
      (0...maximumMs).contains(entry.minimumMs), (0...Int64(Int32.max)).contains(entry.clients)
    else {
      throw BrokerError(
        "The broker's offer '\(SafeText.line(entry.name, maximumCount: 64))' is absurd, so nothing "
          + "was paid.")
    }
    return Offer(
      name: name, topics: topics, price: entry.priceNanos, perMs: entry.perMs,
      minimumMs: entry.minimumMs, clients: Int(entry.clients), validFromMs: 0)
  }

  private static func isPlain(_ text: String, maximumCount: Int) -> Bool {
    !text.isEmpty && SafeText.line(text, maximumCount: maximumCount) == text
  }

  private struct Message: Decodable {
    struct Entry: Decodable {
      let name: String
      let topics: [String]
      let priceNanos: Nanos
      let perMs: Int64
      let minimumMs: Int64
      let clients: Int64
    }

    let address: String
    let network: String
    let `protocol`: String
    let realm: String
    let offers: [Entry]
  }
}
