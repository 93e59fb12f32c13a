import Foundation
import IOTACrypto
import PaywallCore
import Testing
import Wallet

@Suite struct PaymentOrderTests {
  private static let gas = Transaction.GasData(
    payment: [], owner: address(1), price: 1000, budget: 5_000_000)

  @Test func `a plain order is the SDK's plain payment, byte for byte`() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../Vectors/rebased_vectors.json")
    let vectors = try JSONDecoder().decode(Vectors.self, from: try Data(contentsOf: file))
    let vector = try #require(vectors.transactions.first { $0.name == "pay_plain" })
    let expected = try #require(Base64.decode(vector.tx_bytes_base64))
    let sdk = try Transaction(bcs: expected)
    let order = PaymentOrder(
      to: try #require(Address(vector.recipient)), amountNanos: 500_000)
    #expect(order.transaction(sender: sdk.sender, gas: sdk.gas).bcs == expected)
  }

  @Test func `a broker finds the memo in both forms`() throws {
    let memo = try PaymentMemo(username: "johndoe", offer: "live")
    for form in PaymentOrder.MemoForm.allCases {
      let order = PaymentOrder(
        to: address(2), amountNanos: 1, memo: memo, memoForm: form)
      let transaction = order.transaction(sender: address(1), gas: Self.gas)
      let pure = transaction.inputs.compactMap { input -> [UInt8]? in
        if case .pure(let bytes) = input { bytes } else { nil }
      }
      #expect(
        Memo.read(pureInputs: pure).content
          == .plain(username: Array("johndoe".utf8), offer: Array("live".utf8)))
      #expect(transaction.commands.count == (form == .input ? 2 : 3))
      #expect(try Transaction(bcs: transaction.bcs) == transaction)
    }
  }

  private struct Vectors: Decodable {
    var transactions: [Vector]
  }

  private struct Vector: Decodable {
    var name: String
    var recipient: String
    var tx_bytes_base64: String
  }
}

@Suite struct PaymentMemoTests {
  @Test func `names that need escaping come out as they went in`() throws {
    for name in ["johndoe", "a\"b\\c", "jörg", "日本", "buyer:anna", " ", "\u{2028}"] {
      let memo = try PaymentMemo(username: name)
      #expect(
        Memo.read(pureInputs: [Array(memo.description.utf8)]).content
          == .plain(username: Array(name.utf8), offer: nil))
    }
    #expect(try PaymentMemo(username: "johndoe").description == #"{"username":"johndoe"}"#)
  }

  @Test func `names that no broker accepts are refused before anything is paid`() {
    let wallet = "0x" + String(repeating: "ab", count: 32)
    for name in [
      "", "a/b", "a+", "#", "a:b", "buyer:", "a\nb", wallet, String(repeating: "x", count: 65),
    ] {
      #expect(throws: WalletError.self) { try PaymentMemo(username: name) }
    }
    #expect(throws: WalletError.self) { try PaymentMemo(username: "a", offer: "x/y") }
  }

  @Test func `JSON that means nothing to a broker is refused`() throws {
    let good = #"{ "offer": "live", "username": "joe", "note": [1] }"#
    #expect(try PaymentMemo(json: good).description == good)
    #expect(try PaymentMemo(json: #"{"sealed":"AAAA"}"#).description == #"{"sealed":"AAAA"}"#)
    for json in [
      "", "joe", "{}", #"{"user":"joe"}"#, #"["username"]"#, #"{"username":"a","sealed":"b"}"#,
      #"{"username":1}"#, #"{"username":"\#(String(repeating: "a", count: 20_000))"}"#,
    ] {
      #expect(throws: WalletError.self) { try PaymentMemo(json: json) }
    }
  }
}
