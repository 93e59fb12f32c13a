import PaywallCore

/// Who is connected under which client id, in the order in which they came.
///
/// Every CONNECT asks for authentication, and every end of a connection is told, also of one that was
/// refused. Connections are told apart by the address of the broker's own record of them, which is
/// only compared here, never followed; sessions that are not connected have no entry.
struct Connections {
  private struct Connection {
    var clientID: [UInt8]
    var username: Username?
    var isClean: Bool
    var serial: UInt64
    /// By which a buyer has logged in; nil for all others.
    var login: Bytes32?
  }

  private var byRecord: [UnsafeRawPointer: Connection] = [:]
  /// An id may have several records for a moment: that of a CONNECT which the broker then refuses, or,
  /// with websockets, of a connection that was taken over and has not ended yet.
  private var recordsByClientID: [[UInt8]: [UnsafeRawPointer]] = [:]
  /// The serial numbers of an account's connections, ascending.
  private var serialsByUsername: [Username: [UInt64]] = [:]
  private var nextSerial: UInt64 = 0
  /// Connections of buyers, in turns for whether their login is still right.
  private var buyers = Turns<UnsafeRawPointer>()

  /// Has the logins of all buyers looked at again.
  mutating func lookAtLogins() { buyers.restart() }

  /// The client ids of the next connections whose login is not right any more.
  ///
  /// - Parameters:
  ///   - limit: How many connections to look at.
  ///   - isRight: Whether a login is right.
  /// - Returns: None once all have been looked at.
  mutating func takeWithdrawn(
    atMost limit: Int, _ isRight: (Bytes32) -> Bool
  ) -> [[UInt8]] {
    buyers.take(atMost: limit).compactMap { record in
      guard let connection = byRecord[record], let login = connection.login, !isRight(login),
        newest(of: connection.clientID)?.record == record
      else { return nil }
      return connection.clientID
    }
  }

  /// How many connections there are.
  var count: Int { byRecord.count }

  /// Whether a record is that of a connection.
  func contains(_ record: UnsafeRawPointer) -> Bool {
    byRecord[record] != nil
  }

  /// Whether a connection began a new session; nil where there is none.
  func isClean(_ record: UnsafeRawPointer) -> Bool? {
    byRecord[record]?.isClean
  }

  /// Whether a client id is connected under an account, other than the given one.
  ///
  /// Anonymous connections belong to nobody: whoever has an account may take their id.
  func isTaken(_ clientID: [UInt8], byOtherThan username: Username?) -> Bool {
    (recordsByClientID[clientID] ?? []).contains { record in
      byRecord[record]?.username.map { $0 != username } ?? false
    }
  }

  /// Whether a connection is an account's.
  func belongs(_ record: UnsafeRawPointer, to username: Username) -> Bool {
    byRecord[record]?.username == username
  }

  /// Whether a client id is connected.
  func isConnected(_ clientID: [UInt8]) -> Bool {
    recordsByClientID[clientID] != nil
  }

  /// The newest connection of a client id, and whether it began a new session.
  func newest(
    of clientID: [UInt8]
  ) -> (record: UnsafeRawPointer, username: Username?, isClean: Bool)? {
    guard let record = recordsByClientID[clientID]?.last, let connection = byRecord[record] else {
      return nil
    }
    return (record, connection.username, connection.isClean)
  }

  /// Whether a connection is among the newest of its account.
  func isAmongNewest(_ limit: Int, _ record: UnsafeRawPointer) -> Bool {
    guard let connection = byRecord[record], let username = connection.username,
      let serials = serialsByUsername[username]
    else { return false }
    return serials.suffix(limit).contains(connection.serial)
  }

  /// Adds a connection, the newest of its account.
  mutating func insert(
    _ record: UnsafeRawPointer, clientID: [UInt8], username: Username?, isClean: Bool,
    login: Bytes32? = nil
  ) {
    remove(record)
    byRecord[record] = Connection(
      clientID: clientID, username: username, isClean: isClean, serial: nextSerial, login: login)
    if login != nil { buyers.insert(record) }
    recordsByClientID[clientID, default: []].append(record)
    if let username { serialsByUsername[username, default: []].append(nextSerial) }
    nextSerial += 1
  }

  /// Removes a connection that has ended.
  mutating func remove(_ record: UnsafeRawPointer) {
    guard let connection = byRecord.removeValue(forKey: record) else { return }
    buyers.remove(record)
    recordsByClientID[connection.clientID]?.removeAll { $0 == record }
    if recordsByClientID[connection.clientID]?.isEmpty == true {
      recordsByClientID[connection.clientID] = nil
    }
    guard let username = connection.username else { return }
    serialsByUsername[username]?.removeAll { $0 == connection.serial }
    if serialsByUsername[username]?.isEmpty == true { serialsByUsername[username] = nil }
  }
}
