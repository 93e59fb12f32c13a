import Configuration
import Tangle

extension Watcher {
  /// The source of payments that a configuration asks for.
  static func source(
    _ tangle: PaywallConfiguration.Tangle, log: LogQueue,
    failed: @escaping @Sendable () -> Void = {},
    goesOn: @escaping @Sendable () -> Bool = { true }
  ) -> any PaymentSource {
    let nodes = tangle.nodes.map { NodeAddress(url: $0) }
    let warn: @Sendable (String) -> Void = { log.write(.warning, $0) }
    guard tangle.agree > 1 else { return source(tangle, nodes, warn, failed, goesOn) }
    return AgreeingSource(nodes: nodes, agree: tangle.agree, warn: warn) { node, warn in
      source(tangle, [node], warn, failed, goesOn)
    }
  }

  private static func source(
    _ tangle: PaywallConfiguration.Tangle, _ nodes: [NodeAddress],
    _ warn: @escaping @Sendable (String) -> Void, _ failed: @escaping @Sendable () -> Void,
    _ goesOn: @escaping @Sendable () -> Bool
  ) -> any PaymentSource {
    func rebased(_ nodeProtocol: RebasedSource.NodeProtocol) -> RebasedSource {
      RebasedSource(
        nodeProtocol, nodes: nodes, network: tangle.network, address: tangle.address, warn: warn,
        failed: failed, goesOn: goesOn)
    }
    return switch tangle.protocol {
    case .rebasedJSONRPC: rebased(.jsonRPC)
    case .rebasedGraphQL: rebased(.graphQL)
    case .stardust:
      StardustSource(
        nodes: nodes, network: tangle.network, address: tangle.address, warn: warn,
        failed: failed, goesOn: goesOn)
    }
  }

  /// What is done while a node keeps the watcher waiting.
  ///
  /// Unchecked, because the source is the watcher's, which calls it on its one thread.
  final class Wait: @unchecked Sendable {
    weak var watcher: Watcher?

    func goesOn() -> Bool { watcher?.goesOnWaiting() ?? true }
  }
}
