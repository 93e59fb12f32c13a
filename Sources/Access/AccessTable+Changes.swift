extension AccessTable {
  /// Applies what was pushed, up to `limit` changes of accounts; the rest follows with the next call.
  ///
  /// - Complexity: O(*limit*): new rules and tables are exchanged as a whole, nothing is allocated,
  ///   and nothing freed.
  public func applyChanges(from queue: ChangeQueue, limit: Int = 1000) {
    if state.pointee.pending == nil {
      guard !queue.isEmpty else { return }
      state.pointee.pending = queue.takeAll()
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
      queue.giveBack(batch)
    }
  }
}
