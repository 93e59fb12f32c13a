import FlyingFox
import Foundation

/// A node that misbehaves as it is told.
protocol Misbehaving: Sendable {
  /// Puts these faults in the place of all that were in force.
  func setFaults(_ faults: [Fault], seed: UInt64) async throws
  /// The faults in force, with the counts that are left.
  var faults: [Fault] { get async }
}

extension DevTangle: Misbehaving {}

/// `GET` and `POST /devkit/faults`, on both ports: `{"faults":[{"kind":"slow",…}],"seed":7}`.
struct FaultEndpoint {
  let tangle: any Misbehaving

  private struct Body: Codable {
    var faults: [Fault]
    var seed: UInt64?
  }

  func answer(_ method: HTTPMethod, _ data: Data) async -> HTTPResponse {
    switch method {
    case .GET:
      return await list()
    case .POST:
      do {
        let body = try JSONDecoder().decode(Body.self, from: data)
        try await tangle.setFaults(body.faults, seed: body.seed ?? 1)
      } catch let error as FaultError {
        return .text(.badRequest, error.description)
      } catch {
        let kinds = Fault.Kind.allCases.map(\.rawValue).joined(separator: ", ")
        return .text(
          .badRequest,
          "Send {\"faults\":[{\"kind\":…}]}, optionally with \"seed\"; kinds are \(kinds).")
      }
      return await list()
    default:
      return .text(.methodNotAllowed, "Read the faults by GET, set them by POST.")
    }
  }

  private func list() async -> HTTPResponse {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    guard let data = try? encoder.encode(Body(faults: await tangle.faults)) else {
      return .text(.internalServerError, "The faults cannot be written as JSON.")
    }
    return HTTPResponse(
      statusCode: .ok, headers: [.contentType: "application/json"], body: data)
  }
}
