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
      return await give(body) { gifts in
        ["transferredGasObjects": .array(gifts.map(\.json)), "error": nil]
      }
    case (.POST, "/v1/gas"):
      return await give(body) { gifts in
        // The coins are there already; the task's name is all that later answers need.
        ["task": .string(Self.task(of: gifts)), "error": nil]
      }
    case (.GET, _) where path.hasPrefix("/v1/status/"):
      return await status(String(path.dropFirst("/v1/status/".count)))
    default:
      return .text(.notFound, "There is POST /gas, POST /v1/gas, GET /v1/status/TASK and GET /.")
    }
  }

  private func give(_ body: Data, _ answer: ([Faucet.Gift]) -> JSON) async -> HTTPResponse {
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
    guard let gifts = await tangle.gifts(ofTask: task) else {
      return .json(
        .notFound, ["status": nil, "error": .string("There is no task of that name.")])
    }
    return .json(
      .ok,
      [
        "status": [
          "status": "SUCCEEDED", "transferred_gas_objects": ["sent": .array(gifts.map(\.json))],
        ],
        "error": nil,
      ])
  }

  /// A UUID made of the transaction's digest.
  static func task(of gifts: [Faucet.Gift]) -> String {
    let digits = Array(Hex.encode(gifts.first?.digest.bytes.prefix(16) ?? []))
    guard digits.count == 32 else { return "" }
    let ends = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32]
    return ends.map { String(digits[$0]) }.joined(separator: "-")
  }
}

extension Faucet.Gift {
  /// The gift as a faucet shows it.
  var json: JSON {
    [
      "amount": .int(Int64(clamping: amount)), "id": .text(id),
      "transferTxDigest": .text(digest),
    ]
  }
}
