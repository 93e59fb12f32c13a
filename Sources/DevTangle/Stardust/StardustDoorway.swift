import FlyingFox
import Foundation
import PaywallCore

/// Where requests wait for the tangle that answers them: the port is known first.
actor StardustDoorway {
  // Not held: the tangle holds the server, which holds this.
  private weak var tangle: DevStardust?

  func open(to tangle: DevStardust) {
    self.tangle = tangle
  }

  /// Answers a request.
  nonisolated func answer(_ request: FlyingFox.HTTPRequest) async -> HTTPResponse {
    guard let tangle = await tangle else {
      return .text(.serviceUnavailable, "The tangle is starting or stopping.")
    }
    guard let body = try? await request.body(upTo: 1 << 20) else {
      return .text(HTTPStatusCode(413, phrase: "Content Too Large"), "At most 1 MiB is read.")
    }
    switch request.path {
    case "/devkit/faults": return await FaultEndpoint(tangle: tangle).answer(request.method, body)
    case "/devkit/pay", "/devkit/sweep":
      guard request.method == .POST else {
        return .text(.methodNotAllowed, "Order it by POST.")
      }
      return await Self.order(request.path, body, tangle)
    default:
      guard request.method == .GET else {
        return Self.error(.methodNotAllowed, "blocks are not taken here; POST /devkit/pay instead")
      }
      return await Self.read(request, tangle)
    }
  }

  /// `{"to":…,"amount":…}` with the fields of ``StardustOrder``, or `{"owner":…,"to":…}`.
  private static func order(
    _ path: String, _ body: Data, _ tangle: DevStardust
  ) async -> HTTPResponse {
    do {
      guard let json = try? JSON(parsing: body) else { throw Refusal.input("Send a JSON object.") }
      let prefix = tangle.options.bech32Prefix
      let digest: Digest
      if path == "/devkit/pay" {
        digest = try await tangle.pay(try StardustOrder(json, prefix: prefix))
      } else {
        digest = try await tangle.sweep(
          try StardustOrder.address(json, "owner", prefix),
          to: try StardustOrder.address(json, "to", prefix))
      }
      return .json(.ok, ["transactionId": .string(digest.hex), "digest": .text(digest)])
    } catch {
      return .text(.badRequest, "\(error)")
    }
  }

  private static func read(
    _ request: FlyingFox.HTTPRequest, _ tangle: DevStardust
  ) async -> HTTPResponse {
    let question: StardustQuestion
    do {
      question = try StardustQuestion(
        path: request.path, query: request.query.map { ($0.name, $0.value) },
        prefix: tangle.options.bech32Prefix)
    } catch .malformed(let reason) {
      return error(.badRequest, reason)
    } catch {
      return Self.error(.notFound, "Not Found")
    }
    let faults = await tangle.nextFaults(for: question.name)
    for fault in faults where fault.kind == .slow {
      guard (try? await Task.sleep(for: .milliseconds(fault.effectiveValue))) != nil else { break }
    }
    if let refusal = faults.lazy.compactMap(FaultyAnswer.refusal).first { return refusal }
    guard !faults.contains(where: { $0.kind == .notFound }),
      let answer = await tangle.view(faults: faults).answer(question)
    else { return error(.notFound, "not found: \(request.path)") }
    if faults.contains(where: { $0.kind == .truncated }) { return FaultyAnswer.truncated(answer) }
    if faults.contains(where: { $0.kind == .malformed }) { return FaultyAnswer.malformed(answer) }
    return .json(.ok, answer)
  }

  private static func error(_ status: HTTPStatusCode, _ message: String) -> HTTPResponse {
    .json(status, ["error": ["code": .text(status.code), "message": .string(message)]])
  }
}
