import PaywallCore

/// Members of shared subscriptions to something sold.
///
/// The broker gives each message of a group to one member, and drops it where that one may not read
/// it: so a member whose time is over would swallow what the others have paid for.
struct SharedMembers {
  /// A client's membership.
  struct Member: Hashable {
    var clientID: [UInt8]
    var username: Username?
    /// The filter as it was subscribed to, `$share/…` included.
    var filter: [UInt8]
  }

  /// How many there may be: looking after them takes the main thread's time.
  static let limit = 1000

  private var members: Set<Member> = []

  /// Whether there is nobody to look after.
  var isEmpty: Bool { members.isEmpty }

  /// Notes a subscription that is to be allowed; false where there are too many already.
  mutating func insert(_ member: Member) -> Bool {
    guard members.count < Self.limit || members.contains(member) else { return false }
    members.insert(member)
    return true
  }

  /// Forgets a subscription that was given up.
  mutating func remove(_ member: Member) {
    members.remove(member)
  }

  /// Forgets all subscriptions of a client whose session has ended.
  mutating func removeAll(of clientID: [UInt8]) {
    guard !members.isEmpty else { return }
    members = members.filter { $0.clientID != clientID }
  }

  /// Takes out those that may not stay.
  mutating func removeAll(where mayNotStay: (Member) -> Bool) -> [Member] {
    let gone = members.filter(mayNotStay)
    members.subtract(gone)
    return Array(gone)
  }
}
