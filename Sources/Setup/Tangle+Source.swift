public import Configuration
public import Tangle

extension PaywallConfiguration.Tangle {
  /// The source of payments that the configuration asks for.
  ///
  /// - Parameters:
  ///   - warn: Takes one sentence for the log, whenever something is amiss that does not end the
  ///     reading.
  ///   - failed: Called for each question that a node has not answered as it should.
  ///   - goesOn: Called at least every 200 ms while the source waits for a node; false ends the call.
  /// - Returns: The source, which has asked nothing yet.
  public func source(
    warn: @escaping @Sendable (String) -> Void,
    failed: @escaping @Sendable () -> Void = {},
    goesOn: @escaping @Sendable () -> Bool = { true }
  ) -> any PaymentSource {
    guard agree > 1 else { return source(nodeAddresses, warn, failed, goesOn) }
    return AgreeingSource(nodes: nodeAddresses, agree: agree, warn: warn) { node, warn in
      source([node], warn, failed, goesOn)
    }
  }

  /// A probe of each node, the preferred first.
  public var probes: [NodeProbe] {
    nodeAddresses.map { node in
      switch self.protocol {
      case .rebasedJSONRPC: NodeProbe(.jsonRPC, node: node)
      case .rebasedGraphQL: NodeProbe(.graphQL, node: node)
      case .stardust: NodeProbe(stardust: node)
      }
    }
  }

  /// How the nodes are reached, the preferred first.
  public var nodeAddresses: [NodeAddress] { nodes.map { NodeAddress(url: $0) } }

  private func source(
    _ nodes: [NodeAddress], _ warn: @escaping @Sendable (String) -> Void,
    _ failed: @escaping @Sendable () -> Void, _ goesOn: @escaping @Sendable () -> Bool
  ) -> any PaymentSource {
    func rebased(_ nodeProtocol: RebasedSource.NodeProtocol) -> RebasedSource {
      RebasedSource(
        nodeProtocol, nodes: nodes, network: network, address: address, warn: warn,
        failed: failed, goesOn: goesOn)
    }
    return switch self.protocol {
    case .rebasedJSONRPC: rebased(.jsonRPC)
    case .rebasedGraphQL: rebased(.graphQL)
    case .stardust:
      StardustSource(
        nodes: nodes, network: network, address: address, warn: warn, failed: failed,
        goesOn: goesOn)
    }
  }
}
