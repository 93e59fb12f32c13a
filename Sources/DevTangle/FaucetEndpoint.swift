import FlyingFox
import Foundation
import PaywallCore

/// A faucet's HTTP: `POST /gas`, `POST /v1/gas`, `GET /v1/status/TASK` and `GET /`.
///
/// Source: iotaledger/iota, crates/iota-faucet/src/{requests,responses,server}.rs.
struct FaucetEndpoint {
  let tangle: DevTangle

  func answer(_ method: HTTPMethod, _ path: String, _ body: Data) async -> HTTPResponse {
    switch (method, path) {
    case (.GET, "/"):
      return .text(.ok, "OK")
    case (.POST, "/gas"):
      return await give(body) { gift in
        ["transferredGasObjects": .array(gift.giftJSON), "error": nil]
      }
    case (.POST, "/v1/gas"):
      return await give(body) { gift in
        // The coins are there already: a task is done when it begins.
        ["task": .string(gift.taskName), "error": nil]
      }
    case (.GET, _) where path.hasPrefix("/v1/status/"):
      return await status(String(path.dropFirst("/v1/status/".count)))
    default:
      return .text(.notFound, "There is POST /gas, POST /v1/gas, GET /v1/status/TASK and GET /.")
    }
  }

  private func give(_ body: Data, _ answer: (ExecutedTransaction) -> JSON) async -> HTTPResponse {
    guard let request = try? JSON(parsing: body),
      let recipient = request["FixedAmountRequest"]?["recipient"]?.string
        .flatMap({ Address(abbreviated: $0) })
    else {
      let expected = #"{"FixedAmountRequest":{"recipient":"0x…"}}"#
      return .json(.badRequest, ["error": .string("The body must be \(expected).")])
    }
    do {
      return .json(.created, answer(try await tangle.give(to: recipient)))
    } catch {
      return .json(.internalServerError, ["error": .string(error.description)])
    }
  }

  private func status(_ task: String) async -> HTTPResponse {
    guard let gift = await tangle.gift(task: task) else {
      return .json(
        .notFound, ["status": nil, "error": .string("There is no task of that name.")])
    }
    return .json(
      .ok,
      [
        "status": [
          "status": "SUCCEEDED", "transferred_gas_objects": ["sent": .array(gift.giftJSON)],
        ],
        "error": nil,
      ])
  }
}

extension ExecutedTransaction {
  /// A UUID made of the digest.
  var taskName: String {
    let digits = Hex.encode(digest.bytes.prefix(16))
    var name = ""
    for (index, digit) in digits.enumerated() {
      if [8, 12, 16, 20].contains(index) { name += "-" }
      name.append(digit)
    }
    return name
  }

  /// The coins it created, as a faucet shows them.
  var giftJSON: [JSON] {
    created.map { coin in
      [
        "amount": .int(Int64(clamping: coin.balance)), "id": .text(coin.id),
        "transferTxDigest": .text(digest),
      ]
    }
  }
}
