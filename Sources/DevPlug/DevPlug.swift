import Foundation
import Glibc
import Synchronization

/// A Belkin WeMo Insight for development, demos and tests: the same protocol as the device, with
/// its quirks, and faults on demand.
///
/// It serves `/setup.xml`, the descriptions of its services, and SOAP below `/upnp/control/`. Faults
/// are read and set at `/devkit/faults`, as JSON: `{"faults":["slow:1500","ten-fields"]}`.
public final class DevPlug: Sendable {
  /// What the plug is to be.
  public struct Options: Sendable {
    /// An IPv4 address of this machine; 0.0.0.0 for all of them.
    public var bind = "127.0.0.1"
    /// The TCP port; 0 for any free one.
    public var port: UInt16 = 49153
    /// The name that the owner gave the plug.
    public var name = "WeMo Insight"
    /// The serial number, which the UDN `uuid:Insight-1_0-…` ends with.
    public var serial = "231442K12005CC"
    /// The power that flows.
    public var curve = PowerCurve.seeded(1)
    /// Whether to answer searches on UDP port 1900.
    public var answersSearches = false

    /// The factory settings, on loopback.
    public init() {}
  }

  let identity: Identity
  private let host: String
  private let startedAt = ContinuousClock.now
  private let startedAtUnix = Int(Date().timeIntervalSince1970)
  private let state: Mutex<State>
  private let web = Mutex<WebServer?>(nil)
  private let ssdp = Mutex<SSDPResponder?>(nil)

  private struct State {
    var meter: Meter
    var faults: Set<Fault> = []
    var refusals = 0
  }

  /// Starts the plug: when this returns, it answers.
  /// - Throws: when the port is taken or the address is none of this machine's.
  public init(_ options: Options = Options()) throws(DevPlugError) {
    identity = Identity(name: options.name, serial: options.serial)
    host = options.bind == "0.0.0.0" ? "127.0.0.1" : options.bind
    state = Mutex(State(meter: Meter(curve: options.curve)))
    let server = try WebServer(bind: options.bind, port: options.port) { [weak self] request in
      self?.answer(request) ?? .silence
    }
    web.withLock { $0 = server }
    guard options.answersSearches else { return }
    let responder = try SSDPResponder(
      identity: identity, host: options.bind, plugPort: server.port)
    ssdp.withLock { $0 = responder }
  }

  /// Where the plug is, for example `http://127.0.0.1:49153/setup.xml`.
  public var url: String { "http://\(host):\(web.withLock { $0?.port } ?? 0)/setup.xml" }

  /// The plug's unique device name, `uuid:Insight-1_0-…`.
  public var udn: String { identity.udn }

  /// Ends the plug and returns when nothing of it runs any more.
  public func stop() {
    web.withLock { server in
      let ending = server
      server = nil
      return ending
    }?.close()
    ssdp.withLock { responder in
      let ending = responder
      responder = nil
      return ending
    }?.close()
  }

  /// The faults that the plug has now.
  public var faults: Set<Fault> { state.withLock { $0.faults } }

  /// Gives the plug these faults and no others.
  /// - Throws: when the port cannot be opened again after a refusal.
  public func setFaults(_ faults: Set<Fault>) throws(DevPlugError) {
    let refusal = state.withLock { state in
      state.faults = faults
      state.refusals += 1
      return state.refusals
    }
    guard let server = web.withLock({ $0 }) else { return }
    for case .refused(let ms) in faults {
      server.stopListening()
      if let ms { endRefusal(refusal, afterMs: ms) }
      return
    }
    try server.resumeListening()
  }

  /// Changes the power that flows from now on.
  public func setCurve(_ curve: PowerCurve) {
    let nowMs = nowMs
    state.withLock { state in
      state.meter.advance(toMs: nowMs)
      state.meter.curve = curve
    }
  }

  /// Switches the plug on or off, as a hand on its button would.
  public func turn(on: Bool) {
    let nowMs = nowMs
    state.withLock { _ = $0.meter.turn(on: on, nowMs: nowMs) }
  }

  /// How many requests the plug has read, and how many connections were open at once at most.
  public var load: (requests: Int, mostConnections: Int) {
    web.withLock { $0?.load } ?? (0, 0)
  }

  private var nowMs: Int {
    let (seconds, attoseconds) = (ContinuousClock.now - startedAt).components
    return Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
  }

  private func endRefusal(_ refusal: Int, afterMs ms: Int) {
    DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(ms)) { [weak self] in
      guard let self, self.state.withLock({ $0.refusals == refusal }) else { return }
      // A port that cannot be opened again goes on refusing, as a plug that fell over would.
      try? self.setFaults([])
    }
  }
}

extension DevPlug {
  private func answer(_ request: WebRequest) -> WebAnswer {
    if request.path == "/devkit/faults" { return answerFaults(request) }
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
