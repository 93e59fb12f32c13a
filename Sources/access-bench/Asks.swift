import Access
import Glibc

/// Who asks for what, as C strings in the order of asking.
struct Asks {
  struct Ask {
    let topic: UnsafePointer<CChar>
    let username: UnsafePointer<CChar>
  }

  let all: [Ask]

  init(_ asks: [(topic: String, username: String)]) {
    all = asks.compactMap { ask in
      guard let topic = strdup(ask.topic), let username = strdup(ask.username) else { return nil }
      return Ask(topic: topic, username: username)
    }
  }

  func release() {
    for ask in all {
      free(UnsafeMutablePointer(mutating: ask.topic))
      free(UnsafeMutablePointer(mutating: ask.username))
    }
  }
}

extension World {
  /// Random buyers of random offers; a denied one asks for what another has bought, or is unknown, by
  /// turns.
  func asks(_ count: Int, _ decision: Decision) -> Asks {
    var random = SplitMix64(seed: 1)
    return Asks(
      (0..<count).map { number in
        let buyer = Int.random(in: 0..<buyers, using: &random)
        let offer = buyer % offers
        guard decision == .deny else { return (topic(offer), name(buyer)) }
        if offers > 1, number.isMultiple(of: 2) {
          return (topic((offer + 1) % offers), name(buyer))
        }
        return (topic(offer), name(buyers + number))
      })
  }
}
