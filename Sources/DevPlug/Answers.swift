import Foundation
import Synchronization

// What the plug answers, faults included.
extension DevPlug {
  func answer(_ request: WebRequest) -> WebAnswer {
    if request.path == "/devkit/faults" { return answerFaults(request) }
    if request.path == "/devkit/load" { return answerLoad() }
    let faults = faults
    if faults.contains(.wedged) { return .silence }
    var answer = plainAnswer(request, faults)
    if faults.contains(.serverError) { answer = .page("500 Internal Server Error") }
    if faults.contains(.html) { answer = .page("200 OK") }
    for case .slow(let ms) in faults { answer.delayMs = ms }
    return answer
  }

  private func plainAnswer(_ request: WebRequest, _ faults: Set<Fault>) -> WebAnswer {
    switch request.method {
    case "GET" where request.path == "/setup.xml":
      let isOn = state.withLock { $0.meter.isOn }
      return WebAnswer(type: "text/xml", text: identity.setupXML(isOn: isOn))
    case "GET":
      guard let service = Service.all.first(where: { $0.descriptionPath == request.path }) else {
        return .page("404 Not Found")
      }
      return WebAnswer(type: "text/xml", text: service.description)
    case "POST" where request.path.hasPrefix("/upnp/control/"):
      return answerControl(request, faults)
    default:
      return .page("501 Not Implemented")
    }
  }

  private func answerControl(_ request: WebRequest, _ faults: Set<Fault>) -> WebAnswer {
    guard let (service, name, arguments) = ControlPoint.action(of: request) else {
      return ControlPoint.fault(code: 401, description: "Invalid Action")
    }
    switch (service.name, name) {
    case ("insight", "GetInsightParams"):
      return answerInsightParams(faults)
    case ("basicevent", "GetBinaryState"):
      let isOn = state.withLock { $0.meter.isOn }
      return value(isOn ? "1" : "0", of: "BinaryState", action: name)
    case ("basicevent", "SetBinaryState"):
      guard let wanted = arguments["BinaryState"]?.prefix(1), ["0", "1"].contains(wanted) else {
        return ControlPoint.fault(code: 402, description: "Invalid Args")
      }
      let nowMs = nowMs
      let changed = state.withLock { $0.meter.turn(on: wanted == "1", nowMs: nowMs) }
      return value(changed ? String(wanted) : "Error", of: "BinaryState", action: name)
    case ("basicevent", "GetFriendlyName"):
      return value(identity.name, of: "FriendlyName", action: name)
    case ("metainfo", "GetMetaInfo"):
      let fields = [
        Identity.mac, identity.serial, "Plugin Device", Identity.firmware, "WeMo.Insight.5CC",
        "Insight",
      ]
      return value(fields.joined(separator: "|"), of: "MetaInfo", action: name)
    default:
      return ControlPoint.fault(code: 401, description: "Invalid Action")
    }
  }

  private func value(_ value: String, of argument: String, action: String) -> WebAnswer {
    WebAnswer(text: ControlPoint.response(to: action, argument: argument, value: value))
  }
}

extension DevPlug {
  private func answerInsightParams(_ faults: Set<Fault>) -> WebAnswer {
    let nowMs = nowMs
    var fields = state.withLock { state in
      state.meter.advance(toMs: nowMs)
      return state.meter.insightParams(
        nowMs: nowMs, startedAtUnix: startedAtUnix, staysStale: faults.contains(.stalePower))
    }
    if faults.contains(.absurd) { fields[7] = "4611686018427387905" }
    if faults.contains(.negative) { fields[7] = "-41400" }
    if faults.contains(.notANumber) { fields[7] = "nan" }
    if faults.contains(.tenFields) { fields.removeLast() }
    if faults.contains(.fiveFields) { fields.removeLast(fields.count - 5) }
    let namespace =
      faults.contains(.wrongNamespace)
      ? "urn:Belkin:service:basicevent:1" : "urn:Belkin:service:metainfo:1"
    let text = ControlPoint.response(
      to: "GetInsightParams", argument: "InsightParams", value: fields.joined(separator: "|"),
      namespace: namespace)
    return broken(text, faults)
  }

  private func broken(_ text: String, _ faults: Set<Fault>) -> WebAnswer {
    let half = Array(text.utf8.prefix(text.utf8.count * 2 / 3))
    if faults.contains(.truncated) { return WebAnswer(body: half) }
    if faults.contains(.entityBomb) { return WebAnswer(text: Self.entityBomb + text) }
    if faults.contains(.huge) {
      return WebAnswer(text: text + String(repeating: " ", count: 10_000_000))
    }
    var answer = WebAnswer(text: text)
    if faults.contains(.cutOff) { answer.bytes?.removeLast(text.utf8.count / 3) }
    return answer
  }

  /// Nested entities that would expand to three gigabytes ("billion laughs").
  private static let entityBomb: String = {
    let levels = (1...9).map { level in
      "<!ENTITY l\(level) \"\(String(repeating: "&l\(level - 1);", count: 10))\">"
    }
    return "<!DOCTYPE s [<!ENTITY l0 \"lol\">\(levels.joined())]>"
  }()

  private struct FaultList: Codable {
    var faults: [String]
  }

  private func answerLoad() -> WebAnswer {
    let text = "{\"requests\":\(load.requests),\"mostAtOnce\":\(load.mostAtOnce)}"
    return WebAnswer(type: "application/json", text: text)
  }

  private func answerFaults(_ request: WebRequest) -> WebAnswer {
    do {
      if request.method == "POST" {
        let list = try JSONDecoder().decode(FaultList.self, from: Data(request.body))
        try setFaults(Set(list.faults.map { name throws(DevPlugError) in try Fault(name) }))
      }
      let list = FaultList(faults: faults.map(\.name).sorted())
      return WebAnswer(type: "application/json", body: Array(try JSONEncoder().encode(list)))
    } catch let error as DevPlugError {
      return WebAnswer(
        status: "400 Bad Request", type: "text/plain", text: error.description + "\n")
    } catch {
      return WebAnswer(
        status: "400 Bad Request", type: "text/plain",
        text: "The body must be JSON like {\"faults\":[\"slow:1500\"]}.\n")
    }
  }
}
