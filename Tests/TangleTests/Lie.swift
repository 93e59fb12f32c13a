import HTTP
import IOTACrypto
import PaywallCore

/// What a node may tell otherwise than it is.
enum Lie: CaseIterable {
  case inventedPayment
  /// In somebody else's name, with a signature that cannot be verified here.
  case inventedPaymentOfAnother
  case inventedPending
  case alteredAmount
  case alteredMemo
  case alteredPayer
  case alteredSignature
  case alteredCheckpoint
  case alteredTime
  case successAsFailure
  case failureAsSuccess
  case hidden
  case finalAsPending

  /// Whether it is told of a transaction that never was.
  var isInvention: Bool {
    [.inventedPayment, .inventedPaymentOfAnother, .inventedPending].contains(self)
  }

  private static let stranger = PrivateKey()

  /// A history with the lie about the transaction at the place.
  func told(of blocks: [JSONValue], at place: Int, _ history: History) -> [JSONValue] {
    var blocks = blocks
    guard !isInvention, self != .hidden else {
      if self == .hidden {
        blocks.remove(at: place)
      } else {
        blocks.insert(invention(history), at: place)
      }
      return blocks
    }
    alter(&blocks[place], history)
    return blocks
  }

  private func invention(_ history: History) -> JSONValue {
    var signed = history.sign(Self.stranger, version: 7777, pureInputs: [])
    if self == .inventedPaymentOfAnother {
      signed.signatures = [[1] + [UInt8](repeating: 3, count: 97)]
    }
    return history.block(
      signed, amount: 5_000_000, checkpoint: self == .inventedPending ? nil : 30)
  }

  private func alter(_ block: inout JSONValue, _ history: History) {
    switch self {
    case .alteredAmount:
      var change = block["balanceChanges"]?.elements.first ?? .null
      change["amount"] = "777777"
      block["balanceChanges"] = [change]
    case .alteredMemo:
      let memo = Array(#"{"username":"liar"}"#.utf8)
      let signed = history.sign(Self.stranger, pureInputs: [memo])
      block["rawTransaction"] = .string(Base64.encode(signed.bcs))
    case .alteredPayer:
      // A later version of the format, which could hide anybody.
      block["rawTransaction"] = .string(Base64.encode([1, 0, 0, 0, 1, 0, 9, 9]))
    case .alteredSignature:
      guard let raw = block["rawTransaction"]?.text.flatMap(Base64.decode),
        var signed = try? SignedTransaction(bcs: raw)
      else { return }
      signed.signatures = [[1] + [UInt8](repeating: 3, count: 97)]
      block["rawTransaction"] = .string(Base64.encode(signed.bcs))
    case .alteredCheckpoint: block["checkpoint"] = "3"
    case .alteredTime: block["timestampMs"] = .string("\(History.timeMs(900))")
    case .successAsFailure:
      block["effects"]?["status"] = ["status": "failure", "error": "no"]
    case .failureAsSuccess:
      block["effects"]?["status"] = ["status": "success"]
    case .finalAsPending:
      block["checkpoint"] = nil
      block["timestampMs"] = nil
    case .inventedPayment, .inventedPaymentOfAnother, .inventedPending, .hidden: break
    }
  }
}
