extension AccessTable {
  /// Applies what was pushed to its queue, up to `limit` changes of accounts; the rest follows with the next call.
  ///
  /// - Complexity: O(*limit*): new rules and tables are exchanged as a whole, nothing is allocated,
  ///   and nothing freed.
  @inline(__always)
  public func applyChanges(limit: Int = 1000) {
    if state.pointee.pending == nil, state.pointee.changes._withUnsafeGuaranteedRef({ $0.isEmpty })
    {
      return
    }
    applyPending(limit: limit)
  }

  @inline(never)
  private func applyPending(limit: Int) {
    if state.pointee.pending == nil {
      state.pointee.pending = state.pointee.changes._withUnsafeGuaranteedRef { $0.takeAll() }
    }
    var room = limit
    // No reference of our own outlives a turn: the last one, which frees, has to be the watcher's.
    while room > 0, let batch = state.pointee.pending {
      let (applied, isDone, next) = batch._withUnsafeGuaranteedRef { batch in
        let (applied, isDone) = batch.apply(to: &state.pointee, limit: room)
        return (applied, isDone, batch.next)
      }
      guard isDone else { return }
      room -= max(applied, 1)
      state.pointee.pending = next
      state.pointee.changes._withUnsafeGuaranteedRef { $0.giveBack(batch) }
    }
  }
}
