import Foundation
import Glibc
import Synchronization

/// A Belkin WeMo Insight for development, demos and tests: the same protocol as the device, with
/// its quirks, and faults on demand.
///
/// It serves `/setup.xml`, the descriptions of its services, and SOAP below `/upnp/control/`. Faults
/// are read and set at `/devkit/faults`, as JSON: `{"faults":["slow:1500","ten-fields"]}`. How many
/// requests there were, and how many at once, is told at `/devkit/load`.
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
  let startedAtUnix = Int(Date().timeIntervalSince1970)
  let state: Mutex<State>
  private let web = Mutex<WebServer?>(nil)
  private let ssdp = Mutex<SSDPResponder?>(nil)

  struct State {
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

  /// How many requests the plug has read, and how many at most waited for their answer at once.
  public var load: (requests: Int, mostAtOnce: Int) {
    web.withLock { $0?.load } ?? (0, 0)
  }

  var nowMs: Int {
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
