import Foundation
import HTTP
import IOTACrypto
import PaywallCore
import Synchronization
import TestSupport
import Testing

@testable import Wallet

/// Nodes that answer well-formed nonsense.
@Suite struct UntrustedNodeTests {
  /// A node that answers each method with the JSON given for it, and counts the calls.
  private final class FakeNode: Sendable {
    private let server: LoopbackServer
    private let calls: CallCount

    private final class CallCount: Sendable {
      let byMethod = Mutex<[String: Int]>([:])
    }

    init(_ results: @escaping @Sendable (_ method: String, _ call: Int) -> String) throws {
      let calls = CallCount()
      self.calls = calls
      server = try LoopbackServer { connection in
        while let (_, body) = connection.readRequest() {
          guard let call = try? JSONDecoder().decode(Call.self, from: Data(body)) else { return }
          let count = calls.byMethod.withLock { counts in
            counts[call.method, default: 0] += 1
            return counts[call.method, default: 0]
          }
          let result = results(call.method, count)
          connection.answer(Array(#"{"jsonrpc":"2.0","id":\#(call.id),\#(result)}"#.utf8))
        }
      }
    }

    var node: Node { Node(url: server.url()) }

    func count(_ method: String) -> Int {
      calls.byMethod.withLock { $0[method, default: 0] }
    }

    private struct Call: Decodable {
      var id: Int
      var method: String
    }
  }

  private let key = PrivateKey()
  private let success = """
    "effects":{"status":{"status":"success"},"gasUsed":{"computationCost":"1000000",\
    "storageCost":"1960800","storageRebate":"980400"}}
    """

  private func prepared() -> PreparedPayment {
    let order = PaymentOrder(to: address(2), amountNanos: 5)
    let gas = Transaction.GasData(
      payment: [ObjectReference(id: address(3), version: 1, digest: Digest(.zero))],
      owner: key.address, price: 1000, budget: 2_000_000)
    return PreparedPayment(
      order: order, transaction: order.transaction(sender: key.address, gas: gas),
      gas: GasUsed(computationNanos: 1, storageNanos: 0, rebateNanos: 0))
  }

  @Test func `an answer for another transaction proves nothing`() async throws {
    let success = success
    let other = Digest(address(9).bytes32)
    let fake = try FakeNode { _, _ in #""result":{"digest":"\#(other)",\#(success)}"# }
    let payer = Payer(node: fake.node, key: key)
    let payment = prepared()
    let error = try await walletError { _ = try payer.execute(payment) }
    #expect(error?.code == .outcomeUnknown(payment.transaction.digest))
  }

  @Test func `a failed execution is refused, with the reason in one line`() async throws {
    let payment = prepared()
    let digest = payment.transaction.digest
    let fake = try FakeNode { _, _ in
      #"""
      "result":{"digest":"\#(digest)","effects":{"status":{"status":"failure","error":"Move\nAbort"},\#
      "gasUsed":{"computationCost":"1000000","storageCost":"0","storageRebate":"0"}}}
      """#
    }
    let payer = Payer(node: fake.node, key: key)
    let error = try #require(try await walletError { _ = try payer.execute(payment) })
    #expect(error.code == .refused)
    #expect(error.description.contains("Move·Abort") && error.description.contains("0.001 IOTA"))
  }

  @Test(arguments: [
    (-32002, WalletError.Code.refused, 1), (-32602, .refused, 1), (-32601, .refused, 1),
  ])
  func `what the node refuses for good is not sent again`(
    code: Int, expected: WalletError.Code, times: Int
  ) async throws {
    let fake = try FakeNode { _, _ in #""error":{"code":\#(code),"message":"no"}"# }
    let payer = Payer(node: fake.node, key: key)
    let payment = prepared()
    let error = try await walletError { _ = try payer.execute(payment) }
    #expect(error?.code == expected)
    #expect(fake.count("iota_executeTransactionBlock") == times)
  }

  @Test(arguments: [-32050, -32603, -32000])
  func `what may pass is sent again, the same bytes`(code: Int) async throws {
    let success = success
    let payment = prepared()
    let digest = payment.transaction.digest
    let fake = try FakeNode { method, call in
      method == "iota_executeTransactionBlock" && call == 2
        ? #""result":{"digest":"\#(digest)",\#(success)}"#
        : #""error":{"code":\#(method == "iota_getTransactionBlock" ? -32602 : code),"message":"no"}"#
    }
    let payer = Payer(node: fake.node, key: key)
    let executed = try await onThread { try payer.execute(payment) }
    #expect(executed.digest == digest && executed.checkpoint == nil)
    #expect(fake.count("iota_executeTransactionBlock") == 2)
  }

  @Test func `endless pages of dust come to an end`() async throws {
    let fake = try FakeNode { method, call in
      guard method == "iotax_getCoins" else { return #""result":"1000""# }
      let id = String(call, radix: 16)
      return #"""
        "result":{"data":[{"coinType":"0x2::iota::IOTA","coinObjectId":"0x\#(id)","version":"1",\#
        "digest":"\#(Digest(.zero))","balance":"1"}],"nextCursor":"0x\#(id)","hasNextPage":true}
        """#
    }
    let payer = Payer(node: fake.node, key: key)
    let error = try await walletError {
      _ = try payer.prepare(PaymentOrder(to: address(2), amountNanos: 1_000_000))
    }
    #expect(error?.code == .insufficientFunds)
    #expect(fake.count("iotax_getCoins") == 200)
  }

  @Test(arguments: [
    #""result":null"#, #""result":{}"#, #""result":-1"#, #""result":"99999999999999999999""#,
    #""result":1.5"#, #""result":{"data":[{}],"hasNextPage":false}"#, #""nothing":1"#,
  ])
  func `answers of another shape are the node's error`(answer: String) async throws {
    let fake = try FakeNode { _, _ in answer }
    let node = fake.node
    let payer = Payer(node: node, key: key)
    let price = try await walletError { _ = try node.referenceGasPrice() }
    let balance = try await walletError { _ = try node.balanceNanos(of: address(1)) }
    let prepared = try await walletError {
      _ = try payer.prepare(PaymentOrder(to: address(2), amountNanos: 1))
    }
    #expect(price?.code == .node && balance?.code == .node && prepared?.code == .node)
  }
}
