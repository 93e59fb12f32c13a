import DevTangle
import Foundation
import HTTP
import IOTACrypto
import PaywallCore
import TestSupport
import Testing

@testable import Wallet

/// The whole way of a payment, against the development tangle.
@Suite struct PayerTests {
  private let key = PrivateKey()
  private let seller = PrivateKey().address

  private func payer(_ tangle: DevTangle) -> Payer {
    Payer(node: Node(url: tangle.nodeURL), key: key)
  }

  @Test func `a payment arrives, and costs what was said`() async throws {
    let tangle = try await DevTangle.start()
    try await tangle.fund(key.address)
    let payer = payer(tangle)
    let order = PaymentOrder(to: seller, amountNanos: 500_000)
    let before = await tangle.balance(of: key.address)
    let (prepared, receipt) = try await onThread {
      let prepared = try payer.prepare(order)
      return (prepared, payer.confirm(try payer.execute(prepared)))
    }
    #expect(prepared.gas.netNanos == 1_980_400)
    #expect(receipt.digest == prepared.transaction.digest)
    #expect(receipt.gas == prepared.gas)
    #expect(try #require(receipt.checkpoint) > 0)
    #expect(
      abs(Date().timeIntervalSince1970 * 1000 - Double(try #require(receipt.timestampMs))) < 60_000)
    #expect(await tangle.balance(of: seller) == 500_000)
    #expect(await tangle.balance(of: key.address) == before - prepared.totalNanos)
    await tangle.stop()
  }

  @Test(arguments: PaymentOrder.MemoForm.allCases)
  func `a memo arrives in either form`(form: PaymentOrder.MemoForm) async throws {
    let tangle = try await DevTangle.start()
    try await tangle.fund(key.address)
    let payer = payer(tangle)
    let order = PaymentOrder(
      to: seller, amountNanos: 1, memo: try PaymentMemo(username: "johndoe"), memoForm: form)
    let url = tangle.nodeURL
    let raw = try await onThread {
      let receipt = try payer.execute(try payer.prepare(order))
      let endpoint = JSONRPCEndpoint(url: url, client: HTTPClient())
      return try endpoint.call(
        "iota_getTransactionBlock",
        [JSONValue.string("\(receipt.digest)"), ["showRawInput": true]], as: RawAnswer.self)
    }
    let signed = try SignedTransaction(bcs: try #require(Base64.decode(raw.rawTransaction)))
    #expect(signed.verdict == .valid && signed.transaction.sender == key.address)
    let pure = signed.transaction.inputs.compactMap { input -> [UInt8]? in
      if case .pure(let bytes) = input { bytes } else { nil }
    }
    #expect(
      Memo.read(pureInputs: pure).content == .plain(username: Array("johndoe".utf8), offer: nil))
    await tangle.stop()
  }

  /// The faucet gives five coins of 2 IOTA each.
  @Test func `several coins pay together, down to the last nanos`() async throws {
    let tangle = try await DevTangle.start()
    try await tangle.fund(key.address)
    let payer = payer(tangle)
    let seller = seller
    let first = try await onThread {
      let prepared = try payer.prepare(PaymentOrder(to: seller, amountNanos: 7_000_000_000))
      #expect(prepared.transaction.gas.payment.count == 4)
      return payer.confirm(try payer.execute(prepared))
    }
    #expect(first.checkpoint != nil)
    #expect(await tangle.balance(of: seller) == 7_000_000_000)

    // What is left is one coin of change and one of 2 IOTA: all of it, but for the gas, which is
    // less than zero, for one deposit comes back.
    let left = await tangle.balance(of: key.address)
    let gas = try await onThread { () -> GasUsed in
      try payer.prepare(PaymentOrder(to: seller, amountNanos: left - 3_000_000)).gas
    }
    let all = left - gas.computationNanos
    try await onThread {
      _ = try payer.execute(try payer.prepare(PaymentOrder(to: seller, amountNanos: all)))
    }
    #expect(await tangle.balance(of: seller) == 7_000_000_000 + all)
    await tangle.stop()
  }

  @Test(arguments: [Fault.Kind.duplicate, .reorder])
  func `pages of coins that repeat or shuffle them are no trouble`(kind: Fault.Kind) async throws {
    let tangle = try await DevTangle.start()
    try await tangle.fund(key.address)
    try await tangle.setFaults([Fault(kind, method: "iotax_getCoins")])
    let payer = payer(tangle)
    let seller = seller
    try await onThread {
      let prepared = try payer.prepare(PaymentOrder(to: seller, amountNanos: 9_000_000_000))
      #expect(prepared.transaction.gas.payment.count == 5)
      _ = try payer.execute(prepared)
    }
    #expect(await tangle.balance(of: seller) == 9_000_000_000)
    await tangle.stop()
  }

  @Test func `too little money is said before anything is sent`() async throws {
    let tangle = try await DevTangle.start()
    let payer = payer(tangle)
    let seller = seller
    let empty = try await walletError {
      _ = try payer.prepare(PaymentOrder(to: seller, amountNanos: 1))
    }
    #expect(empty?.code == .insufficientFunds)
    try await tangle.fund(key.address)
    let held = await tangle.balance(of: key.address)
    for amount in [held, held - 999_999, held + 1, .max] {
      let error = try await walletError {
        _ = try payer.prepare(PaymentOrder(to: seller, amountNanos: amount))
      }
      #expect(error?.code == .insufficientFunds, "\(amount)")
    }
    for amount in [0, -1, Nanos.min] {
      let error = try await walletError {
        _ = try payer.prepare(PaymentOrder(to: seller, amountNanos: amount))
      }
      #expect(error?.code == .invalidInput, "\(amount)")
    }
    #expect(await tangle.balance(of: key.address) == held)
    await tangle.stop()
  }

  /// One coin left, so no deposit comes back and gas costs 1,980,400.
  @Test func `a wallet just short of the gas is told so`() async throws {
    let tangle = try await DevTangle.start()
    try await tangle.fund(key.address)
    let payer = payer(tangle)
    let seller = seller
    try await onThread {
      _ = try payer.execute(
        try payer.prepare(PaymentOrder(to: seller, amountNanos: 9_990_000_000)))
    }
    let held = await tangle.balance(of: key.address)
    let short = try await walletError {
      _ = try payer.prepare(PaymentOrder(to: seller, amountNanos: held - 1_980_399))
    }
    #expect(short?.code == .insufficientFunds)
    try await onThread {
      _ = try payer.execute(
        try payer.prepare(PaymentOrder(to: seller, amountNanos: held - 1_980_400)))
    }
    #expect(await tangle.balance(of: key.address) == 0)
    await tangle.stop()
  }

  @Test func `a node of another network is refused`() async throws {
    let tangle = try await DevTangle.start()
    let node = Node(url: tangle.nodeURL)
    let identifier = tangle.chainIdentifier
    #expect(try await walletError { try node.requireNetwork(identifier) } == nil)
    let error = try await walletError { try node.requireNetwork("6364aad5") }
    #expect(error?.code == .wrongNetwork)
    #expect(try #require(error).description.contains(identifier))
    await tangle.stop()
  }

  /// What the node does with the execution, and still the payment is made once and reported.
  @Test(arguments: [Fault.Kind.truncated, .malformed, .serverError])
  func `a lost answer is not a lost payment`(kind: Fault.Kind) async throws {
    let tangle = try await DevTangle.start()
    try await tangle.fund(key.address)
    try await tangle.setFaults([Fault(kind, method: "iota_executeTransactionBlock", count: 1)])
    let payer = payer(tangle)
    let seller = seller
    let receipt = try await onThread {
      payer.confirm(
        try payer.execute(try payer.prepare(PaymentOrder(to: seller, amountNanos: 500_000))))
    }
    #expect(receipt.checkpoint != nil)
    #expect(await tangle.balance(of: seller) == 500_000)
    await tangle.stop()
  }

  @Test func `an outcome that nobody can tell is not called a failure`() async throws {
    let tangle = try await DevTangle.start()
    try await tangle.fund(key.address)
    let payer = payer(tangle)
    let seller = seller
    let prepared = try await onThread {
      try payer.prepare(PaymentOrder(to: seller, amountNanos: 500_000))
    }
    try await tangle.setFaults([Fault(.truncated)])
    let error = try await walletError { _ = try payer.execute(prepared, deadlineMs: 1200) }
    #expect(error?.code == .outcomeUnknown(prepared.transaction.digest))
    #expect("\(try #require(error))".contains("\(prepared.transaction.digest)"))
    // And once the node answers again, sending the same payment again does not pay twice.
    try await tangle.setFaults([])
    let receipt = try await onThread { payer.confirm(try payer.execute(prepared)) }
    #expect(receipt.digest == prepared.transaction.digest && receipt.checkpoint != nil)
    #expect(await tangle.balance(of: seller) == 500_000)
    await tangle.stop()
  }

  @Test func `a node that turned the payment away, or is not there, has not been paid`()
    async throws
  {
    let tangle = try await DevTangle.start()
    try await tangle.fund(key.address)
    let payer = payer(tangle)
    let seller = seller
    let prepared = try await onThread {
      try payer.prepare(PaymentOrder(to: seller, amountNanos: 500_000))
    }
    try await tangle.setFaults([Fault(.tooManyRequests, method: "iota_executeTransactionBlock")])
    #expect(try await walletError { _ = try payer.execute(prepared) }?.code == .node)
    try await tangle.setFaults([])
    var forged = prepared.transaction
    forged.gas.budget = 1
    let refused = PreparedPayment(order: prepared.order, transaction: forged, gas: prepared.gas)
    #expect(try await walletError { _ = try payer.execute(refused) }?.code == .refused)
    #expect(await tangle.balance(of: seller) == 0)
    await tangle.stop()
    #expect(try await walletError { _ = try payer.execute(prepared) }?.code == .node)
  }

  @Test func `without checkpoints a payment is executed, and said to be in none`() async throws {
    var options = DevTangle.Options()
    options.checkpointMs = nil
    let tangle = try await DevTangle.start(options)
    try await tangle.fund(key.address)
    let payer = payer(tangle)
    let seller = seller
    let executed = try await onThread {
      let executed = try payer.execute(
        try payer.prepare(PaymentOrder(to: seller, amountNanos: 500_000)))
      return payer.confirm(executed, deadlineMs: 300)
    }
    #expect(executed.checkpoint == nil && executed.timestampMs == nil)
    await tangle.makeCheckpoint()
    let confirmed = try await onThread { payer.confirm(executed) }
    #expect(confirmed.checkpoint == (await tangle.latestCheckpoint))
    await tangle.stop()
  }

  private struct RawAnswer: Decodable, Sendable {
    var rawTransaction: String
  }
}
