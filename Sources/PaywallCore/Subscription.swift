/// A filter as a client subscribes to it: plain, or shared by a group as `$share/GROUP/FILTER`.
///
/// Source: MQTT Version 5.0, section 4.8.2 "Shared Subscriptions".
public struct Subscription: Hashable, Sendable {
  /// What is subscribed to.
  public var filter: TopicFilter
  /// Whether a group shares the messages.
  public var isShared: Bool

  /// Reads what a SUBSCRIBE asks for; nil where it is no filter.
  public init?(_ bytes: some Collection<UInt8>) {
    self.init(array: Array(bytes))
  }

  private init?(array bytes: [UInt8]) {
    guard bytes.starts(with: Subscription.prefix) else {
      guard let filter = TopicFilter(bytes) else { return nil }
      self.filter = filter
      isShared = false
      return
    }
    let afterPrefix = bytes.dropFirst(Subscription.prefix.count)
    let group = afterPrefix.prefix { $0 != UInt8(ascii: "/") }
    guard !group.isEmpty, let filter = TopicFilter(afterPrefix.dropFirst(group.count + 1)) else {
      return nil
    }
    self.filter = filter
    isShared = true
  }

  private static let prefix = Array("$share/".utf8)
}
