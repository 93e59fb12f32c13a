internal import HTTP

/// What a WeMo says of itself in `setup.xml`.
struct WeMoDescription: Equatable {
  /// `uuid:Insight-1_0-SERIAL`: the same for ever.
  let udn: String
  /// The name that the owner gave the plug.
  let friendlyName: String
  /// Which firmware it runs.
  let firmware: String

  /// Reads a `setup.xml`; nil where it is none.
  init?(_ bytes: [UInt8]) {
    guard let document = try? XMLDocument(bytes), let udn = document.text(of: "UDN"),
      udn.hasPrefix("uuid:"), udn.utf8.count <= 200
    else { return nil }
    self.udn = udn
    friendlyName = document.text(of: "friendlyName") ?? ""
    firmware = document.text(of: "firmwareVersion") ?? ""
  }

  /// How a request for a description ended.
  enum Outcome: Equatable {
    case found(WeMoDescription)
    /// Something else is there, or a port that hangs: another port may be the plug's.
    case notHere
    /// The host takes no connection at all.
    case hostIsGone
    case cancelled
  }

  /// Asks for the description at an address.
  static func read(
    host: String, port: UInt16, client: HTTPClient, connectTimeoutMs: Int, timeoutMs: Int
  ) -> Outcome {
    var request = HTTPRequest(
      url: "http://\(host):\(port)/setup.xml",
      headers: [HTTPRequest.Header("Connection", "close")])
    request.connectTimeoutMs = connectTimeoutMs
    request.timeoutMs = timeoutMs
    request.maximumBodyBytes = WeMoInsight.maximumBodyBytes
    request.keepsAlive = false
    do {
      let response = try client.send(request)
      guard response.status == 200, let description = Self(response.body) else { return .notHere }
      return .found(description)
    } catch {
      switch error.code {
      case .cancelled: return .cancelled
      case .timeout where !error.wasConnected: return .hostIsGone
      default: return .notHere
      }
    }
  }
}
