import PaywallCore
import Testing

@testable import PaywallPlugin

/// How far the reading of a long history is.
struct ReadingProgressTests {
  private func page(_ count: Int, timeMs: Int64) throws -> PaymentPage {
    let digest = Digest(.zero)
    let payment = Payment(
      digest: digest, payer: nil, amount: 1, checkpoint: Checkpoint(sequence: 1, timeMs: timeMs))
    return PaymentPage(
      payments: Array(repeating: payment, count: count),
      position: ReadingPosition(checkpoint: 1, sinceMs: 0))
  }

  @Test func `is said every ten seconds, and at the end`() throws {
    var progress = ReadingProgress()
    progress.begin(atMs: 5000)
    for atMs in Int64(5000)..<5150 { #expect(progress.saw(atMs: atMs) == nil) }
    #expect(progress.saw(atMs: 15_000) == "reading history: 151 transactions found")
    #expect(progress.saw(atMs: 24_999) == nil)
    let timeMs: Int64 = 1_772_323_200_500
    #expect(try progress.recorded(page(12_000, timeMs: timeMs), atMs: 24_999) == nil)
    #expect(
      try progress.recorded(page(50, timeMs: timeMs + 1000), atMs: 25_000)
        == "reading history: 12 050 payments, up to 2026-03-01T00:00:01Z")
    // A failure in between loses nothing.
    progress.begin(atMs: 60_000)
    #expect(try progress.recorded(page(988_000, timeMs: timeMs), atMs: 60_001) == nil)
    #expect(
      progress.finish() == "reading history: done, 1 000 050 payments, up to 2026-03-01T00:00:00Z")
    #expect(progress.finish() == nil)
  }

  @Test func `is not said of ordinary looks, however slow the node`() throws {
    var progress = ReadingProgress()
    for poll in Int64(0)..<1000 {
      progress.begin(atMs: poll * 20_000)
      for _ in 0..<50 { #expect(progress.saw(atMs: poll * 20_000 + 15_000) == nil) }
      if poll.isMultiple(of: 2) {
        #expect(try progress.recorded(page(2, timeMs: 1), atMs: poll * 20_000 + 15_000) == nil)
        #expect(progress.finish() == nil)
      }
    }
  }
}
