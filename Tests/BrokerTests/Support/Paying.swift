import Foundation
import Synchronization
import TestSupport

/// A buyer who pays one payment after the other, on a thread of its own, until it is stopped.
final class Paying: Sendable {
  /// A payment that was executed, and what it is for.
  struct Made: Hashable {
    var digest: String
    var amount: Int64
    var account: String
    var offer: String
  }

  private struct State {
    var isStopping = false
    var made: [Made] = []
    var failure: String?
  }

  private let state = Mutex(State())
  private let ended = DispatchSemaphore(value: 0)

  /// Begins to pay for broker accounts, with a memo, and for the buyer's wallet, without.
  init(_ buyer: Buyer, seed: UInt64) {
    Thread { self.run(buyer, SplitMix64(seed: seed)) }.start()
  }

  /// What was paid so far.
  var made: [Made] { state.withLock { $0.made } }

  /// Ends it, after the payment that is under way.
  func stop() throws {
    state.withLock { $0.isStopping = true }
    ended.wait()
    ended.signal()
    if let failure = state.withLock({ $0.failure }) { throw TestFailure(failure) }
  }

  private func run(_ buyer: Buyer, _ random: SplitMix64) {
    var random = random
    defer { ended.signal() }
    while !state.withLock({ $0.isStopping }) {
      do {
        let made = try pay(buyer, &random)
        state.withLock { $0.made.append(made) }
      } catch {
        state.withLock { $0.failure = "a buyer cannot pay: \(error)" }
        return
      }
      // Two in one checkpoint as well.
      if Bool.random(using: &random) { usleep(UInt32.random(in: 0...300_000, using: &random)) }
    }
  }

  private func pay(_ buyer: Buyer, _ random: inout SplitMix64) throws -> Made {
    let username = ["johndoe", "janedoe", nil][Int.random(in: 0..<3, using: &random)]
    let offer = username != nil && Bool.random(using: &random) ? "other" : "live"
    let amount = Int64.random(in: 1000...600_000, using: &random)
    let wanted = username == nil ? nil : offer
    let first = Int64.random(in: 1...999, using: &random)
    let paid =
      Int.random(in: 0..<4, using: &random) == 0
      ? try buyer.pay([first, amount - first], username: username, offer: wanted)
      : try buyer.pay(amount, username: username, offer: wanted)
    return Made(
      digest: paid.digest, amount: amount, account: username ?? "\(buyer.address)", offer: offer)
  }
}
