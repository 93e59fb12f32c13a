import Foundation
import IOTACrypto
public import PaywallCore

/// A small IOTA node with a faucet, for development, demos and tests: it keeps a ledger of its own
/// in memory, honestly, unless it is told to misbehave.
///
/// It speaks the JSON-RPC of a full node of IOTA Rebased and, under `/graphql`, the queries of an
/// indexer's GraphQL on one port, and a faucet's HTTP on another. It knows coins of IOTA and the
/// commands SplitCoins, MergeCoins, TransferObjects and `0x1::string::utf8`, and verifies signatures
/// of Ed25519, secp256k1, secp256r1 and multisig; what it does not know it refuses.
public actor DevTangle {
  /// How a tangle is set up.
  public struct Options: Sendable {
    /// The IPv4 address to listen on.
    public var host = "127.0.0.1"
    /// The port of the JSON-RPC; 0: any that is free.
    public var port: UInt16 = 0
    /// The port of the faucet; 0: any that is free.
    public var faucetPort: UInt16 = 0
    /// The time between checkpoints, in milliseconds; nil: only ``DevTangle/makeCheckpoint()``
    /// makes them.
    public var checkpointMs: Int? = 250
    /// How long after its execution a transaction shows up in queries, in milliseconds.
    public var indexLagMs: Int64 = 0
    /// Eight hexadecimal digits that name the network; nil: the start of the genesis digest, new
    /// with each start.
    public var chainIdentifier: String?
    /// What was paid before the start; nil: nothing.
    public var backlog: Backlog?
    /// What the clock says, in Unix milliseconds.
    public var nowMs: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970 * 1_000) }

    /// Any free ports, checkpoints every 250 ms, real time.
    public init() {}
  }

  /// The URL of the JSON-RPC.
  public nonisolated let nodeURL: String
  /// The URL of the GraphQL.
  public nonisolated var graphQLURL: String { "\(nodeURL)/graphql" }
  /// The URL of the faucet.
  public nonisolated let faucetURL: String
  /// The eight hexadecimal digits that name the network.
  public nonisolated let chainIdentifier: String

  private var node: Node
  private let faucet: Faucet
  private var plan = FaultPlan()
  private let options: Options
  private let nodePort: UInt16
  private var nodeListener: Listener?
  private let faucetListener: Listener
  private var checkpoints: Task<Void, Never>?
  private var comeback: Task<Void, Never>?
  private var isStopped = false

  /// Starts a tangle that listens when this returns.
  ///
  /// - Throws: an error whose description names the address and port that cannot be used, or says why
  ///   the backlog cannot be made.
  public static func start(_ options: Options = Options()) async throws -> DevTangle {
    let account = Faucet()
    let genesis = [(owner: account.address, balance: Faucet.startBalance)]
    let chain =
      try options.backlog?.chain(genesis: genesis, nowMs: options.nowMs())
      ?? Chain(genesis: genesis, nowMs: options.nowMs())
    let doorway = Doorway()
    let node = try await Listener.start(host: options.host, port: options.port) { request in
      await doorway.answer(request, faucet: false)
    }
    let faucet: Listener
    do {
      faucet = try await Listener.start(host: options.host, port: options.faucetPort) { request in
        await doorway.answer(request, faucet: true)
      }
    } catch {
      await node.stop()
      throw error
    }
    let tangle = DevTangle(
      options, chain: chain, faucet: account, node: node, faucet: faucet)
    await doorway.open(to: tangle)
    await tangle.startCheckpoints()
    return tangle
  }

  private init(
    _ options: Options, chain: Chain, faucet: Faucet, node listener: Listener,
    faucet faucetListener: Listener
  ) {
    self.faucet = faucet
    node = Node(
      chain: chain,
      indexLagMs: options.indexLagMs, chainIdentifierOverride: options.chainIdentifier)
    chainIdentifier = node.chainIdentifier
    nodePort = listener.port
    nodeListener = listener
    self.faucetListener = faucetListener
    self.options = options
    nodeURL = "http://\(options.host):\(listener.port)"
    faucetURL = "http://\(options.host):\(faucetListener.port)"
  }

  private func startCheckpoints() {
    guard let checkpointMs = options.checkpointMs else { return }
    checkpoints = Task { [weak self] in
      while (try? await Task.sleep(for: .milliseconds(checkpointMs))) != nil {
        await self?.makeDueCheckpoint()
      }
    }
  }

  private func makeDueCheckpoint() {
    guard !plan.stopsCheckpoints else { return }
    makeCheckpoint()
  }

  /// Stops listening and closes all connections.
  public func stop() async {
    isStopped = true
    checkpoints?.cancel()
    comeback?.cancel()
    _ = await comeback?.value
    let listener = nodeListener
    nodeListener = nil
    await listener?.stop()
    await faucetListener.stop()
  }

  // MARK: The ledger

  /// Closes a checkpoint now, over everything executed since the last one.
  public func makeCheckpoint() {
    node.chain.makeCheckpoint(nowMs: options.nowMs())
  }

  /// The sequence number of the newest checkpoint.
  public var latestCheckpoint: UInt64 { node.chain.latest.sequenceNumber }

  /// What the address has, in NANOS.
  public func balance(of address: Address) -> Nanos {
    Nanos(clamping: node.chain.coins(of: address).reduce(0) { $0 + $1.balance })
  }

  /// Sends the address what the faucet gives: five coins of 2 IOTA each.
  ///
  /// - Returns: the digest of the transaction.
  /// - Throws: an error that says why the faucet cannot pay.
  @discardableResult
  public func fund(_ recipient: Address) throws -> Digest {
    try give(to: recipient).digest
  }

  /// Sends coins to the recipient.
  func give(to recipient: Address) throws(Refusal) -> ExecutedTransaction {
    try faucet.send(to: recipient, on: &node.chain, nowMs: options.nowMs())
  }

  /// Executes a transaction.
  func record(_ signed: SignedTransaction) throws(Refusal) -> ExecutedTransaction {
    try node.chain.execute(signed, nowMs: options.nowMs())
  }

  /// The coin of the owner that holds the most.
  func largestCoin(of owner: Address) -> ObjectReference? {
    node.chain.coins(of: owner).max { $0.balance < $1.balance }?.reference
  }

  /// What the faucet sent under the name.
  func gift(task: String) -> ExecutedTransaction? {
    node.chain.transactions.last {
      $0.transaction.sender == faucet.address && $0.taskName == task
    }
  }

  // MARK: Faults

  /// Puts these faults in the place of all that were in force.
  ///
  /// The seed decides which requests a probability hits, and how pages are shuffled.
  ///
  /// - Throws: an error that says which fault makes no sense, and why.
  public func setFaults(_ faults: [Fault], seed: UInt64 = 1) async throws {
    for (index, fault) in faults.enumerated() {
      let isKnown = ![.lagging, .notFound].contains(fault.kind)
      if let problem = isKnown ? fault.problem : "only a Stardust node can have it" {
        throw FaultError(description: "Fault \(index + 1), \(fault.kind.rawValue): \(problem).")
      }
    }
    plan.replace(faults, seed: seed)
    await comeUp()
    guard let down = faults.last(where: { $0.kind == .down }) else { return }
    await goDown()
    let waitMs = down.effectiveValue
    comeback = Task { [weak self] in
      guard (try? await Task.sleep(for: .milliseconds(waitMs))) != nil else { return }
      await self?.comeUp()
    }
  }

  /// The faults in force, with the counts that are left.
  public var faults: [Fault] { plan.faults }

  /// Refuses connections to the node until ``comeUp()``; the faucet goes on.
  public func goDown() async {
    comeback?.cancel()
    let listener = nodeListener
    nodeListener = nil
    await listener?.stop()
  }

  /// Listens on the node's port again.
  public func comeUp() async {
    // The port was ours a moment ago; should somebody have taken it since, this waits for it.
    while nodeListener == nil, !isStopped {
      let doorway = Doorway()
      await doorway.open(to: self)
      let listener = try? await Listener.start(host: options.host, port: nodePort) { request in
        await doorway.answer(request, faucet: false)
      }
      if let listener, nodeListener == nil, !isStopped {
        nodeListener = listener
      } else {
        await listener?.stop()
        guard (try? await Task.sleep(for: .milliseconds(50))) != nil else { return }
      }
    }
  }

  /// The faults that concern the next request, of the methods or fields.
  func nextFaults(forAnyOf methods: Set<String>) -> [Fault] { plan.next(forAnyOf: methods) }

  // MARK: Calls

  /// The result of a call, as a node with the faults would give it.
  func call(
    _ method: String, _ parameters: Parameters, faults: [Fault]
  ) throws(RPCError) -> JSON {
    node.unprunedCount = faults.last { $0.kind == .pruned }.map { Int(clamping: $0.effectiveValue) }
    var result = try node.call(method, parameters, nowMs: options.nowMs())
    for fault in faults {
      result = fault.spoil(result, of: method, using: &plan.random)
    }
    return result
  }
}

extension DevTangle {
  /// The answer to a query, as an indexer with the faults would give it.
  func answer(
    _ document: GraphQLDocument, variables: [String: JSON], faults: [Fault]
  ) throws(GraphQLRefusal) -> JSON {
    var node = node
    node.unprunedCount = faults.last { $0.kind == .pruned }.map { Int(clamping: $0.effectiveValue) }
    let graph = GraphQLGraph(
      node: node, nowMs: options.nowMs(), faults: faults, seed: plan.random.next())
    var execution = try GraphQLExecution(document, variables: variables)
    return try execution.answer(from: graph.root)
  }
}

/// Faults that make no sense.
struct FaultError: Error, CustomStringConvertible {
  var description: String
}
