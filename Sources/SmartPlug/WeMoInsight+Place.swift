internal import HTTP
internal import Synchronization

// Where the plug is.
extension WeMoInsight {
  /// The address of the plug, after making sure that it is this plug.
  func place() throws(PlugError) -> PlugAddress {
    let state = state.withLock { $0 }
    let address = state.address
    guard let udn = state.udn else {
      // Without a UDN there is a URL.
      guard let address else { throw PlugError(.badAddress, "A WeMo needs a URL or a UDN.") }
      return try numbers(address)
    }
    guard let address else { return try locate(udn, near: nil) }
    let nowMs = clock()
    if let checkedAtMs = state.checkedAtMs, nowMs - checkedAtMs < Self.checkEveryMs {
      return try numbers(address)
    }
    let place = try numbers(address)
    let outcome = WeMoDescription.read(
      host: place.host, port: place.port, client: client,
      connectTimeoutMs: Self.connectTimeoutMs, timeoutMs: Self.timeoutMs)
    switch outcome {
    case .found(let description) where description.udn == udn:
      self.state.withLock { $0.checkedAtMs = nowMs }
      return place
    case .found(let description):
      return try locate(udn, near: place, stranger: description)
    case .notHere, .hostIsGone:
      return try locate(udn, near: place, isGone: outcome == .hostIsGone)
    case .cancelled: throw cancelled
    }
  }

  /// Looks for the plug, first on the other ports of its host.
  private func locate(
    _ udn: String, near old: PlugAddress?, stranger: WeMoDescription? = nil, isGone: Bool = false
  ) throws(PlugError) -> PlugAddress {
    let locator = WeMoLocator(
      udn: udn, client: client, cancellation: cancellation, search: search, ports: ports)
    if let found = locator.locate(host: isGone ? nil : old?.host, triedPort: old?.port) {
      let nowMs = clock()
      state.withLock { state in
        state.address = found
        state.checkedAtMs = nowMs
      }
      return found
    }
    if cancellation.isSet { throw cancelled }
    if let stranger {
      throw PlugError(
        .stranger,
        "\(name): \(SafeText.line(stranger.udn, maximumCount: 60)) answers there instead of "
          + "\(udn), which is not to be found; is it switched off?")
    }
    throw PlugError(
      .noAnswer, "\(name): \(udn) answers neither there nor to a search on the network.")
  }

  /// Learns the name of the plug that has just answered; where it does not tell one, its address has
  /// to do.
  func learnName(at place: PlugAddress) {
    let isNeeded = state.withLock { $0.udn == nil && $0.checkedAtMs == nil }
    guard isNeeded else { return }
    let nowMs = clock()
    let outcome = WeMoDescription.read(
      host: place.host, port: place.port, client: client,
      connectTimeoutMs: Self.connectTimeoutMs, timeoutMs: Self.timeoutMs)
    state.withLock { state in
      if case .found(let description) = outcome { state.udn = description.udn }
      state.checkedAtMs = nowMs
    }
  }

  private func numbers(_ address: PlugAddress) throws(PlugError) -> PlugAddress {
    guard let host = address.numericHost() else {
      throw PlugError(
        .noAnswer, "\(name): the name \(address.host) has no IPv4 address; use the plug's number.")
    }
    return PlugAddress(host: host, port: address.port)
  }

  private var cancelled: PlugError { PlugError(.cancelled, "\(name): the request was cancelled.") }
}
