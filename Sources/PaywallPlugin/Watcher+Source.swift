import Configuration
import Setup
import Tangle

extension Watcher {
  /// The source of payments that a configuration asks for, which warns in the broker's log.
  static func source(
    _ tangle: PaywallConfiguration.Tangle, log: LogQueue,
    failed: @escaping @Sendable () -> Void = {},
    goesOn: @escaping @Sendable () -> Bool = { true }
  ) -> any PaymentSource {
    tangle.source(warn: { log.write(.warning, $0) }, failed: failed, goesOn: goesOn)
  }

  /// What is done while a node keeps the watcher waiting.
  ///
  /// Unchecked, because the source is the watcher's, which calls it on its one thread.
  final class Wait: @unchecked Sendable {
    weak var watcher: Watcher?

    func goesOn() -> Bool { watcher?.goesOnWaiting() ?? true }
  }
}
