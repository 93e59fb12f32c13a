internal import HTTP
internal import Synchronization

/// A Belkin WeMo Insight, read over its local SOAP protocol (UPnP Device Architecture 1.0,
/// section 3), which works without Belkin's cloud.
///
/// Gentle on the plug, which has few threads and falls over when asked too much: one request at a
/// time, and each connection is closed behind its answer.
///
/// The plug is known by its unique device name (UDN), not by its address: ports move when a plug
/// restarts, addresses when the router does. Where the name is not given, it is learnt with the first
/// reading. Another plug that has come to its address is not read.
public final class WeMoInsight: PowerSource {
  /// Connecting to a plug on the local network takes a millisecond; after this it is gone.
  static let connectTimeoutMs = 1000
  /// A wedged plug accepts connections and never answers.
  static let timeoutMs = 3000
  /// Real answers have about 350 bytes, a setup.xml has 5 KB.
  static let maximumBodyBytes = 65_536
  /// How often the name is looked at while all is well.
  static let checkEveryMs: Int64 = 60_000

  /// What is known of the plug's place and name.
  struct State {
    var address: PlugAddress?
    var udn: String?
    /// Whether the owner gave the name.
    let isUDNGiven: Bool
    /// When the plug at the address last told its name; nil: it has to be asked again.
    var checkedAtMs: Int64?
    var failures = 0
  }

  /// The URL or the UDN that the plug was configured by.
  public let name: String
  let state: Mutex<State>
  let client = HTTPClient()
  let cancellation = Cancellation()
  let clock: @Sendable () -> Int64
  let search: SSDPSearch
  let ports: [UInt16]

  /// A plug at a URL such as `http://192.168.1.20:49153`, `/setup.xml` behind it or not.
  ///
  /// Without a port, 49153 is meant. `clock` gives the samples their time in milliseconds.
  /// - Throws: when the URL is not of that form.
  public convenience init(
    url: String, clock: @escaping @Sendable () -> Int64 = { MonotonicClock.nowMs() }
  ) throws(PlugError) {
    try self.init(url: url, udn: nil, clock: clock)
  }

  /// A plug with a UDN such as `uuid:Insight-1_0-231442K12005CC`, at a URL or wherever a search on
  /// the local network finds it.
  /// - Throws: when either is not of its form.
  public convenience init(
    url: String?, udn: String?,
    clock: @escaping @Sendable () -> Int64 = { MonotonicClock.nowMs() }
  ) throws(PlugError) {
    try self.init(url: url, udn: udn, clock: clock, search: SSDPSearch())
  }

  init(
    url: String?, udn: String?, clock: @escaping @Sendable () -> Int64, search: SSDPSearch,
    ports: [UInt16] = WeMoLocator.ports
  ) throws(PlugError) {
    let address = url.flatMap { PlugAddress($0) }
    if let url, address == nil {
      throw PlugError(
        .badAddress,
        "\(ShownURL(url)) is no address of a WeMo; it looks like http://192.168.1.20:49153.")
    }
    if let udn, !udn.hasPrefix("uuid:Insight") {
      throw PlugError(
        .badAddress,
        "\"\(SafeText.line(udn, maximumCount: 60))\" is no UDN of an Insight; it looks like "
          + "uuid:Insight-1_0-231442K12005CC.")
    }
    guard let name = address.map({ "http://\($0.host):\($0.port)" }) ?? udn else {
      throw PlugError(.badAddress, "A WeMo needs a URL or a UDN.")
    }
    self.name = name
    state = Mutex(State(address: address, udn: udn, isUDNGiven: udn != nil))
    self.clock = clock
    self.search = search
    self.ports = ports
  }

  /// The UDN, once it is known.
  public var identity: String? { state.withLock { $0.udn } }

  /// Half a minute: a plug that has fallen over comes back sooner when it is left alone.
  public var maximumPauseMs: Int64 { 30_000 }

  /// Asks the plug for its power.
  ///
  /// Where the plug is not at its address any more it is looked for, which may take some seconds.
  public func read() throws(PlugError) -> PowerSample {
    do {
      let address = try place()
      let sample = try sample(at: address)
      state.withLock { $0.failures = 0 }
      return sample
    } catch {
      state.withLock { state in
        state.failures += 1
        // Whoever answers next may be another plug.
        state.checkedAtMs = nil
      }
      throw error
    }
  }

  /// Ends a running read and all later ones, from any thread.
  public func cancel() {
    cancellation.set()
    client.cancel()
  }
}

// What the plug says.
extension WeMoInsight {
  private func sample(at place: PlugAddress) throws(PlugError) -> PowerSample {
    let answer = try send(request(to: place))
    let document = try parse(answer)
    guard let text = document.text(of: "InsightParams") else {
      throw unreadable("its answer has no InsightParams; is it an Insight?")
    }
    let sample: PowerSample
    do {
      let params = try InsightParams(text)
      sample = PowerSample(
        milliwatts: params.milliwatts, state: params.state, takenAtMs: clock())
    } catch {
      throw PlugError(error.kind, "\(name): \(error.reason).")
    }
    learnName(at: place)
    return sample
  }

  private func request(to place: PlugAddress) -> HTTPRequest {
    var request = HTTPRequest(
      .post, url: "http://\(place.host):\(place.port)/upnp/control/insight1",
      headers: [
        HTTPRequest.Header("Content-Type", "text/xml; charset=\"utf-8\""),
        // The quotes are part of it: without them the plug answers with an error.
        HTTPRequest.Header("SOAPACTION", "\"urn:Belkin:service:insight:1#GetInsightParams\""),
        HTTPRequest.Header("Connection", "close"),
      ],
      body: Array(Self.envelope.utf8))
    request.connectTimeoutMs = Self.connectTimeoutMs
    request.timeoutMs = Self.timeoutMs
    request.maximumBodyBytes = Self.maximumBodyBytes
    request.keepsAlive = false
    return request
  }

  private static let envelope = """
    <?xml version="1.0" encoding="utf-8"?>
    <s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" \
    s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">
    <s:Body>
    <u:GetInsightParams xmlns:u="urn:Belkin:service:insight:1"></u:GetInsightParams>
    </s:Body>
    </s:Envelope>
    """

  private func send(_ request: HTTPRequest) throws(PlugError) -> HTTPResponse {
    let response: HTTPResponse
    do {
      response = try client.send(request)
    } catch {
      throw PlugError(PlugError.Kind(error), "\(name): \(error.reason)")
    }
    guard response.status == 200 else { throw refusal(response) }
    return response
  }

  private func parse(_ response: HTTPResponse) throws(PlugError) -> XMLDocument {
    do {
      return try XMLDocument(response.body)
    } catch {
      throw unreadable("its answer is no XML that can be read: \(error.reason)")
    }
  }

  private func refusal(_ response: HTTPResponse) -> PlugError {
    let document = try? XMLDocument(response.body)
    let code = document?.text(of: "errorCode").map { " (UPnP error \($0))" } ?? ""
    return PlugError(
      .refusal,
      "\(name) answers with status \(response.status)\(SafeText.line(code, maximumCount: 40)); "
        + "is it an Insight?")
  }

  private func unreadable(_ reason: String) -> PlugError {
    PlugError(.unreadable, "\(name): \(reason).")
  }
}
