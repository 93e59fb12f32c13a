public import PaywallCore

/// All that an account has bought and what has not ended yet: a change of what is in memory.
public struct AccountAccess: Hashable, Sendable {
  /// The account's name inside the broker.
  public var username: Username
  /// Offers, and when; none where all has ended.
  public var access: [OfferAccess]

  /// Access of an account.
  public init(username: Username, access: [OfferAccess]) {
    self.username = username
    self.access = access
  }
}

/// That a buyer's login is right, or is not any more.
public struct LoginChange: Hashable, Sendable {
  /// The keyed hash of its name and password.
  public var hash: Bytes32
  /// Whether it is right.
  public var isValid: Bool

  /// A change of a login.
  public init(hash: Bytes32, isValid: Bool) {
    self.hash = hash
    self.isValid = isValid
  }
}

/// Changes that travel together: to the main thread, which puts each in place of what it replaces,
/// and back to the watcher with what was replaced, to be freed there.
///
/// One thread at a time has it.
final class ChangeBatch: @unchecked Sendable {
  /// New rules, then the old ones.
  private var rules: AccessRules?
  /// A new table of accounts, then the old one.
  private var accounts: AccountTable?
  /// A new table of logins, then the old one.
  private var logins: LoginTable?
  private let loginChanges: [LoginChange]
  private let records: FlatBuffer<AccountRecord>
  private let count: Int
  private var appliedCount = 0
  /// The batch that was pushed before, or, once the order is turned, the next one to apply; retained.
  var next: Unmanaged<ChangeBatch>?

  init(
    rules: consuming AccessRules?, accounts: consuming AccountTable?,
    changes: [AccountAccess], logins: consuming LoginTable?, loginChanges: [LoginChange]
  ) {
    self.rules = rules
    self.accounts = accounts
    self.logins = logins
    self.loginChanges = loginChanges
    let records = changes.compactMap {
      AccountRecord(username: $0.username, access: $0.access)
    }
    self.records = FlatBuffer(zeros: records.count)
    count = records.count
    for (position, record) in records.enumerated() { self.records[position] = record }
  }

  deinit {
    for position in 0..<count { records.pointer(position).pointee.deallocate() }
  }

  /// Applies what it holds: rules first, then the tables, then logins, and up to `limit` changes of
  /// accounts.
  ///
  /// - Returns: How many changes were applied, and whether that was all.
  func apply(to state: inout AccessTable.State, limit: Int) -> (applied: Int, isDone: Bool) {
    if appliedCount == 0 {
      if var new = rules.take() {
        swap(&new, &state.rules)
        state.rulesVersion &+= 1
        rules = consume new
      }
      if var new = accounts.take() {
        swap(&new, &state.accounts)
        accounts = consume new
      }
      if var new = logins.take() {
        swap(&new, &state.logins)
        state.withdrawnLoginsVersion &+= 1
        logins = consume new
      }
      // Of a page's payments: a thousand at most.
      for change in loginChanges {
        change.apply(to: &state.logins)
        if !change.isValid { state.withdrawnLoginsVersion &+= 1 }
      }
    }
    let applied = min(count - appliedCount, limit)
    let end = appliedCount + applied
    while appliedCount < end {
      // The watcher sees to it that there is room.
      _ = state.accounts.exchange(&records.pointer(appliedCount).pointee)
      appliedCount += 1
    }
    return (applied, appliedCount == count)
  }
}

extension LoginChange {
  fileprivate func apply(to logins: inout LoginTable) {
    // The watcher sees to it that there is room.
    if isValid { _ = logins.insert(hash) } else { logins.remove(hash) }
  }
}
