import DevTangle
import Foundation
import IOTACrypto
import PaywallCore
import TestSupport
import Testing
import Wallet

@Suite struct FaucetTests {
  private let recipient = PrivateKey().address

  @Test func `the development tangle's faucet gives`() async throws {
    let tangle = try await DevTangle.start()
    let faucet = Faucet(url: tangle.faucetURL + "/")
    let recipient = recipient
    let nanos = try await onThread { try faucet.request(for: recipient) }
    #expect(nanos > 0)
    #expect(await tangle.balance(of: recipient) == nanos)
    await tangle.stop()
  }

  /// Answers of faucets of each age, by path.
  private func faucet(_ answers: [String: (status: String, body: String)]) throws -> LoopbackServer
  {
    try LoopbackServer { connection in
      while let (head, _) = connection.readRequest() {
        let path = head.split(separator: " ").dropFirst().first.map(String.init) ?? ""
        let answer = answers[path] ?? ("404 Not Found", "")
        connection.answer(status: answer.status, Array(answer.body.utf8))
      }
    }
  }

  @Test func `an older faucet is asked the older way`() async throws {
    let coins = #"{"transferredGasObjects":[{"amount":200,"id":"0x1"},{"amount":3}],"error":null}"#
    let server = try faucet(["/gas": ("201 Created", coins)])
    let recipient = recipient
    let nanos = try await onThread {
      try Faucet(url: server.url("")).request(for: recipient)
    }
    #expect(nanos == 203)
  }

  @Test(arguments: [
    ("429 Too Many Requests", "slow down", "too often"),
    ("200 OK", #"{"task":null,"error":"dry"}"#, "dry"),
    ("200 OK", #"{"task":"../../x","error":null}"#, "impossible"),
    ("200 OK", "<html>", "200"),
    ("500 Internal Server Error", "", "500"),
    ("202 Accepted", #"{"task":"gone","error":null}"#, "unknown"),
    ("202 Accepted", #"{"task":"no","error":null}"#, "DISCARDED"),
  ])
  func `a faucet that gives nothing says why`(
    status: String, body: String, reason: String
  ) async throws {
    let server = try faucet([
      "/v1/gas": (status, body),
      "/v1/status/no": ("200 OK", #"{"status":{"status":"DISCARDED"},"error":null}"#),
    ])
    let recipient = recipient
    let error = try await walletError {
      _ = try Faucet(url: server.url("")).request(for: recipient)
    }
    #expect(error?.code == .node)
    #expect("\(try #require(error))".contains(reason), "\(String(describing: error))")
  }
}
