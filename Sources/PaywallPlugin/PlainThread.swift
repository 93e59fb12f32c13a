import Glibc

/// Why there is none.
let noThread = "no thread could be made; raise the limit of threads for the broker"

/// A thread that can be joined for certain, unlike a Swift task, and that takes no signals.
///
/// Signals are the broker's: its handlers run on whichever thread has them unblocked.
final class PlainThread {
  private final class Body {
    let run: () -> Void

    init(_ run: @escaping () -> Void) {
      self.run = run
    }
  }

  private var thread: pthread_t?

  /// Starts the thread; nil where none can be had.
  ///
  /// - Parameter body: What it does. Whatever it uses must be its own, or `Sendable`.
  init?(_ body: sending @escaping () -> Void) {
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }

    var thread = pthread_t()
    let context = Unmanaged.passRetained(Body(body))
    let code = pthread_create(
      &thread, nil,
      { @Sendable context in
        if let context { Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run() }
        return nil
      }, context.toOpaque())
    guard code == 0 else {
      context.release()
      return nil
    }
    self.thread = thread
  }

  /// Waits until the thread has ended.
  func join() {
    guard let thread else { return }
    self.thread = nil
    pthread_join(thread, nil)
  }
}
