import Foundation
import Synchronization
import Testing

/// Runs each test of a suite on a thread of its own, where it may wait for a broker.
///
/// The tangle's HTTP server lives on Swift's few shared threads: tests that waited there would
/// leave none to answer them.
struct OwnThreadTrait: TestTrait, SuiteTrait, TestScoping {
  /// A broker, a tangle and clients each, on few cores: more at once would disturb each other's
  /// measurements.
  private static let places = Places(6)

  var isRecursive: Bool { true }

  func provideScope(
    for test: Test, testCase: Test.Case?, performing body: @Sendable () async throws -> Void
  ) async throws {
    await Self.places.enter()
    let thread = OwnThread()
    let result: Result<Void, any Error>
    do {
      result = .success(try await withTaskExecutorPreference(thread) { try await body() })
    } catch {
      result = .failure(error)
    }
    thread.end()
    await Self.places.leave()
    try result.get()
  }
}

extension Trait where Self == OwnThreadTrait {
  /// Each test on a thread of its own, and only some at once.
  static var onOwnThread: OwnThreadTrait { OwnThreadTrait() }
}

/// A thread that runs the parts of a task.
private final class OwnThread: TaskExecutor {
  private let jobs = Mutex<[UnownedJob]>([])
  private let isEnding = Mutex(false)
  private let work = DispatchSemaphore(value: 0)

  init() {
    let thread = Thread { self.run() }
    thread.stackSize = 8 << 20
    thread.start()
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    jobs.withLock { $0.append(job) }
    work.signal()
  }

  func end() {
    isEnding.withLock { $0 = true }
    work.signal()
  }

  private func run() {
    while true {
      work.wait()
      let job = jobs.withLock { $0.isEmpty ? nil : $0.removeFirst() }
      if let job {
        job.runSynchronously(on: asUnownedTaskExecutor())
      } else if isEnding.withLock({ $0 }) {
        return
      }
    }
  }
}

/// A number of places, each for one at a time.
private actor Places {
  private var free: Int
  private var waiting: [CheckedContinuation<Void, Never>] = []

  init(_ count: Int) { free = count }

  func enter() async {
    if free > 0 {
      free -= 1
    } else {
      await withCheckedContinuation { waiting.append($0) }
    }
  }

  func leave() {
    if waiting.isEmpty {
      free += 1
    } else {
      waiting.removeFirst().resume()
    }
  }
}
