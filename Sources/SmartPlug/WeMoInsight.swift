internal import HTTP

/// A Belkin WeMo Insight, read over its local SOAP protocol (UPnP Device Architecture 1.0,
/// section 3), which works without Belkin's cloud.
///
/// Gentle on the plug, which has few threads and falls over when asked too much: one request at a
/// time, and each connection is closed behind its answer.
public final class WeMoInsight: PowerSource {
  /// Connecting to a plug on the local network takes a millisecond; after this it is gone.
  static let connectTimeoutMs = 1000
  /// A wedged plug accepts connections and never answers.
  static let timeoutMs = 3000
  /// Real answers have about 350 bytes.
  static let maximumBodyBytes = 65_536

  /// The plug's URL, without a path.
  public let name: String
  private let address: PlugAddress
  private let client = HTTPClient()
  private let clock: @Sendable () -> Int64

  /// A plug at a URL such as `http://192.168.1.20:49153`, `/setup.xml` behind it or not.
  ///
  /// Without a port, 49153 is meant. `clock` gives the samples their time in milliseconds.
  /// - Throws: when the URL is not of that form.
  public init(
    url: String, clock: @escaping @Sendable () -> Int64 = { MonotonicClock.nowMs() }
  ) throws(PlugError) {
    guard let address = PlugAddress(url) else {
      throw PlugError(
        .badAddress,
        "\(ShownURL(url)) is no address of a WeMo; it looks like http://192.168.1.20:49153.")
    }
    self.address = address
    name = "http://\(address.host):\(address.port)"
    self.clock = clock
  }

  /// Asks the plug for its power.
  public func read() throws(PlugError) -> PowerSample {
    let answer = try send(try request())
    let document = try parse(answer)
    guard let text = document.text(of: "InsightParams") else {
      throw unreadable("its answer has no InsightParams; is it an Insight?")
    }
    do {
      let params = try InsightParams(text)
      return PowerSample(
        milliwatts: params.milliwatts, state: params.state, takenAtMs: clock())
    } catch {
      throw PlugError(error.kind, "\(name): \(error.reason).")
    }
  }

  /// Ends a running read and all later ones, from any thread.
  public func cancel() { client.cancel() }

  private func request() throws(PlugError) -> HTTPRequest {
    guard let host = address.numericHost() else {
      throw PlugError(
        .noAnswer, "\(name): the name \(address.host) has no IPv4 address; use the plug's number.")
    }
    var request = HTTPRequest(
      .post, url: "http://\(host):\(address.port)/upnp/control/insight1",
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
      let kind: PlugError.Kind =
        switch error.code {
        case .cancelled: .cancelled
        case .tooLarge: .tooLarge
        case .protocolError: .unreadable
        default: .noAnswer
        }
      throw PlugError(kind, "\(name): \(error.reason)")
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
