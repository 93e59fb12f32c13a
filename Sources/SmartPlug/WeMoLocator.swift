internal import HTTP

/// Finds a WeMo again whose port or address has changed, by its unique device name.
struct WeMoLocator {
  /// The ports that WeMos have been seen on, the usual ones first.
  static let ports: [UInt16] = [
    49153, 49152, 49154, 49151, 49155, 49156, 49157, 49158, 49159,
  ]
  /// Belkin's plugs answer to it, and nothing else does.
  static let target = "urn:Belkin:service:basicevent:1"

  private static let connectTimeoutMs = 1000
  /// A port that hangs accepts and never answers; nine of them take as many times this.
  private static let timeoutMs = 1500
  private static let searchMs: Int64 = 3000

  /// The name to look for.
  let udn: String
  let client: HTTPClient
  let cancellation: Cancellation
  var search = SSDPSearch()
  var ports = Self.ports

  /// Where the plug is now: on another port of its host, or else wherever a search finds it.
  ///
  /// - Parameters:
  ///   - host: Where it was, in numbers; nil: not known.
  ///   - triedPort: A port of that host that needs no second look.
  /// - Returns: The address, or nil where no such plug answers.
  func locate(host: String?, triedPort: UInt16?) -> PlugAddress? {
    if let host, let found = probe(host, ports.filter { $0 != triedPort }) { return found }
    // Several may answer, and one that bears the name in its answer only is not believed.
    var address: PlugAddress?
    _ = search.run(
      target: Self.target, timeoutMs: Self.searchMs, cancellation: cancellation
    ) { answer in
      guard answer.udn == udn, let place = PlugAddress(answer.location) else { return false }
      guard isPlug(at: place) else { return false }
      address = place
      return true
    }
    return address
  }

  private func probe(_ host: String, _ ports: [UInt16]) -> PlugAddress? {
    for port in ports {
      switch description(host, port) {
      case .found(let description) where description.udn == udn:
        return PlugAddress(host: host, port: port)
      case .found, .notHere: continue
      case .hostIsGone, .cancelled: return nil
      }
    }
    return nil
  }

  private func isPlug(at place: PlugAddress) -> Bool {
    guard let host = place.numericHost(),
      case .found(let description) = description(host, place.port)
    else { return false }
    return description.udn == udn
  }

  private func description(_ host: String, _ port: UInt16) -> WeMoDescription.Outcome {
    WeMoDescription.read(
      host: host, port: port, client: client, connectTimeoutMs: Self.connectTimeoutMs,
      timeoutMs: Self.timeoutMs)
  }
}
