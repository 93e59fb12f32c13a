import Tangle

/// Says each problem once when it begins, and once when it is over.
///
/// A class, so that what is attempted may attempt something else.
final class Problems {
  private let log: LogQueue
  private var current: [String: String] = [:]

  init(log: LogQueue) {
    self.log = log
  }

  /// Runs `body`; where it throws, says so unless the same was said last.
  ///
  /// - Parameters:
  ///   - subject: What the problem is about.
  ///   - body: What may fail.
  func attempt(_ subject: String, _ body: () throws -> Void) {
    do {
      try body()
      if let text = current.removeValue(forKey: subject), !current.values.contains(text) {
        log.write(.notice, "\(subject): works again")
      }
    } catch let error as TangleError where error.code != .tooFewNodes {
      // The broker stops or something else comes first, or no node answers: of each of them the
      // source has said so, once.
    } catch is NetworkMismatch {
      // Likewise.
    } catch {
      let text = "\(error)"
      // One fault, as of a disk, may show in many places.
      let isSaid = current.values.contains(text)
      current[subject] = text
      guard !isSaid else { return }
      log.write(.warning, text)
    }
  }

  /// Has a problem said anew where it goes on.
  func forget(_ subject: String) {
    current[subject] = nil
  }
}
