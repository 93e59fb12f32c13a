import Foundation
import Synchronization

/// Whether Ctrl-C was pressed.
enum Interrupt {
  private static let isWanted = Atomic<Bool>(false)

  /// From now on, Ctrl-C and SIGTERM only ask to end; a second one ends at once.
  static func catchSignals() {
    _ = isAsked
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        Interrupt.isWanted.store(true, ordering: .relaxed)
        signal(number, SIG_DFL)
      }
    }
  }

  static var isAsked: Bool { isWanted.load(ordering: .relaxed) }
}
