import Ledger

/// Looks through the whole ledger once, while the broker serves already, and warns of damage.
final class DamageWatch {
  private let check: LedgerCheck
  private let done: Event
  private let thread: PlainThread?

  /// Begins at once, on a thread of its own.
  ///
  /// - Parameters:
  ///   - check: Of the ledger, whose file it has open.
  ///   - path: That file.
  ///   - log: Where to warn.
  init(_ check: LedgerCheck, path: String, log: LogQueue) {
    let done = Event()
    self.check = check
    self.done = done
    thread = PlainThread {
      DamageWatch.look(check, path: path, log: log)
      done.signal()
    }
    if thread == nil { log.write(.warning, "\(path) is not checked for damage: \(noThread)") }
  }

  /// Ends it, at once.
  func stop() {
    guard let thread else { return check.close() }
    check.cancel()
    // What is cancelled between two statements has to be cancelled again.
    for _ in 0..<100 {
      if done.wait(timeoutMs: 10) { break }
      check.cancel()
    }
    thread.join()
  }

  private static func look(_ check: LedgerCheck, path: String, log: LogQueue) {
    do throws(LedgerError) {
      for finding in try check.run() {
        log.write(
          .error,
          "ledger \(path): it is damaged (\(finding)); what is in memory is served on, but it will "
            + "have to be restored from a backup")
      }
    } catch {
      log.write(.warning, "\(error); it was not checked for damage")
    }
  }
}
