import Foundation
import HTTP
import PaywallCore
import Synchronization
import TestSupport

/// A Stardust node that answers from a list of milestones, and misbehaves as it is told.
final class FakeStardust: Sendable {
  struct Milestone {
    var created: [String] = []
    var consumed: [String] = []
  }

  struct State {
    var network = "private_tangle1"
    var isHealthy = true
    var pruned: Int64 = 0
    /// The first has the index 1.
    var milestones: [Milestone] = []
    /// The newest that the node knows; nil: all.
    var newest: Int64?
    var outputs: [String: JSONValue] = [:]
    /// What the indexer lists; nil: it is not there.
    var indexed: [String]? = []
    /// A status and a body for a path, in place of what should be answered.
    var misbehave: (@Sendable (_ path: String) -> (status: String, body: String)?)?
    var paths: [String] = []
  }

  private final class Shared: Sendable {
    let state = Mutex(State())
  }

  private let shared = Shared()
  private let server: LoopbackServer

  var url: String { server.url() }

  /// The milestones' times, in Unix seconds.
  static func timeS(_ milestone: Int64) -> Int64 { 1_795_300_000 + milestone * 5 }

  init(_ ledger: StardustHistory = StardustHistory()) throws {
    let shared = shared
    server = try LoopbackServer { connection in
      while let request = connection.readRequest() {
        let target = request.head.split(separator: " ").dropFirst().first.map(String.init) ?? ""
        let (status, body) = shared.state.withLock { state in
          state.paths.append(target)
          return state.misbehave?(target) ?? state.answer(target)
        }
        guard connection.answer(status: status, Array(body.utf8)) else { return }
      }
    }
    update {
      $0.milestones = ledger.milestones
      $0.outputs = ledger.outputs
    }
  }

  func update(_ change: (inout State) -> Void) {
    shared.state.withLock { change(&$0) }
  }

  var paths: [String] { shared.state.withLock(\.paths) }

  func count(of part: String) -> Int { paths.count { $0.contains(part) } }
}

extension FakeStardust.State {
  static let notFound = ("404 Not Found", #"{"error":{"code":"404","message":"not found"}}"#)

  func answer(_ target: String) -> (status: String, body: String) {
    let path = target.split(separator: "?").first ?? ""
    let parts = path.split(separator: "/").map(String.init)
    let answer: JSONValue? =
      switch (parts.dropFirst(3).first, parts.last) {
      case ("info", _): info
      case ("milestones", "utxo-changes"): changes(Int64(parts[5]) ?? 0)
      case ("milestones", let index?): milestone(Int64(index) ?? 0)
      case ("outputs", "basic"):
        indexed.map { ["items": .array($0.map(JSONValue.string)), "ledgerIndex": 1] }
      case ("outputs", let id?): outputs[id]
      default: nil
      }
    guard let answer, let data = try? answer.data else { return Self.notFound }
    return ("200 OK", String(decoding: data, as: UTF8.self))
  }

  private var last: Int64 { newest ?? Int64(milestones.count) }

  private var info: JSONValue {
    [
      "status": [
        "isHealthy": .bool(isHealthy),
        "confirmedMilestone": [
          "index": .integer(last), "timestamp": .integer(FakeStardust.timeS(last)),
        ],
        "pruningIndex": .integer(pruned),
      ],
      "protocol": ["networkName": .string(network), "bech32Hrp": "tst"],
    ]
  }

  private func milestone(_ index: Int64) -> JSONValue? {
    guard index > pruned, index <= last else { return nil }
    return ["index": .integer(index), "timestamp": .integer(FakeStardust.timeS(index))]
  }

  private func changes(_ index: Int64) -> JSONValue? {
    guard index > pruned, index <= last else { return nil }
    let milestone = milestones[Int(index) - 1]
    return [
      "index": .integer(index),
      "createdOutputs": .array(milestone.created.map(JSONValue.string)),
      "consumedOutputs": .array(milestone.consumed.map(JSONValue.string)),
    ]
  }
}

/// Makes milestones and outputs as a node tells them.
struct StardustHistory {
  static let seller = Address("0x862738192e40540e0a5c9a5aca636f53b0cd76b0a9bef3386e05647feb4914ac")
  static let buyer = Address("0x9f8e5379678525edf768d7b507dc1ba9016fc4f0eac976ab7f74077d95fba312")

  var milestones: [FakeStardust.Milestone] = []
  var outputs: [String: JSONValue] = [:]

  /// So many milestones, and in each of those listed a payment of as many base units.
  init(_ count: Int = 0, paying amounts: [Int64: Int64] = [:]) {
    for index in 1...Int64(max(1, count)) where count > 0 {
      milestones.append(FakeStardust.Milestone())
      if let amount = amounts[index] {
        add(Self.output(amount: "\(amount)"), transaction: UInt8(clamping: index), at: index)
      }
    }
  }

  /// The transaction of a number.
  static func digest(_ transaction: UInt8) -> Digest? {
    Digest(bytes: [UInt8](repeating: transaction, count: 32))
  }

  /// The name of an output.
  static func id(_ transaction: UInt8, _ index: UInt8 = 0) -> String {
    "0x" + Hex.encode([UInt8](repeating: transaction, count: 32) + [index, 0])
  }

  static func address(_ address: Address?) -> JSONValue {
    ["type": 0, "pubKeyHash": .string(address?.description ?? "")]
  }

  /// An output with conditions beyond the address.
  static func output(
    amount: String, to owner: Address? = seller, type: Int64 = 3, conditions: [JSONValue] = [],
    features: [JSONValue] = []
  ) -> JSONValue {
    [
      "type": .integer(type), "amount": .string(amount),
      "unlockConditions": .array([["type": 0, "address": address(owner)]] + conditions),
      "features": .array(features),
    ]
  }

  static func sender(_ address: Address? = buyer) -> JSONValue {
    ["type": 0, "address": Self.address(address)]
  }

  static func metadata(_ text: String) -> JSONValue {
    ["type": 2, "data": .string("0x" + Hex.encode(text.utf8))]
  }

  static func tag(_ text: String) -> JSONValue {
    ["type": 3, "tag": .string("0x" + Hex.encode(text.utf8))]
  }

  /// Puts an output into a milestone.
  mutating func add(
    _ output: JSONValue, transaction: UInt8, _ index: UInt8 = 0, at milestone: Int64
  ) {
    let id = Self.id(transaction, index)
    milestones[Int(milestone) - 1].created.append(id)
    outputs[id] = [
      "metadata": [
        "transactionId": .string(String(id.dropLast(4))), "outputIndex": .integer(Int64(index)),
        "milestoneIndexBooked": .integer(milestone),
        "milestoneTimestampBooked": .integer(FakeStardust.timeS(milestone)), "isSpent": false,
      ],
      "output": output,
    ]
  }

  /// Has a transaction of a milestone consume an output.
  mutating func consume(_ id: String, by transaction: UInt8, at milestone: Int64) {
    milestones[Int(milestone) - 1].consumed.append(id)
    outputs[id]?["metadata"]?["isSpent"] = true
    outputs[id]?["metadata"]?["milestoneTimestampSpent"] = .integer(FakeStardust.timeS(milestone))
    outputs[id]?["metadata"]?["transactionIdSpent"] = .string(
      "0x" + Hex.encode([UInt8](repeating: transaction, count: 32)))
  }
}
