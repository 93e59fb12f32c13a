import Testing
import TestSupport

@testable import PaywallPlugin

/// What one thread waits for and another signals, also where no pipe can be had.
struct EventTests {
  @Test(arguments: [true, false]) func `a signal ends one wait, the current or the next`(
    hasPipe: Bool
  ) throws {
    let event = hasPipe ? Event() : Event { _ in -1 }
    #expect(!event.wait(timeoutMs: 0))
    event.signal()
    event.signal()
    #expect(event.wait(timeoutMs: 60_000))
    #expect(!event.wait(timeoutMs: 20))
    let answer = Event()
    let thread = try #require(
      PlainThread {
        if event.wait(timeoutMs: 60_000) { answer.signal() }
      })
    event.signal()
    #expect(answer.wait(timeoutMs: 60_000))
    thread.join()
  }
}
