import Foundation
public import PaywallCore

/// A small private tangle of Stardust for development, demos and tests: one node, with its indexer
/// and its coordinator, whose ledger lives in memory.
///
/// It answers the REST of Hornet that reads: core API v2 and indexer v1. Blocks are not taken. Payments
/// are ordered by ``pay(_:)`` or `POST /devkit/pay` instead, so nobody signs anything: a sender gets
/// what it pays from a faucet. But for that, the ledger is honest: transactions consume what they
/// create, and nothing twice; a milestone confirms them.
public actor DevStardust {
  /// How a tangle is set up.
  public struct Options: Sendable {
    /// The IPv4 address to listen on.
    public var host = "127.0.0.1"
    /// The port of the REST; 0: any that is free.
    public var port: UInt16 = 0
    /// The time between milestones, in milliseconds, from 1000, for their times are whole seconds and
    /// differ; nil: only ``DevStardust/makeMilestone()`` makes them.
    public var milestoneMs: Int? = 1000
    /// The network's name.
    public var networkName = "private_tangle1"
    /// What addresses begin with.
    public var bech32Prefix = "tst"
    /// What the clock says, in Unix milliseconds.
    public var nowMs: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970 * 1_000) }

    /// Any free port, a milestone at every second, real time.
    public init() {}
  }

  /// The URL of the REST.
  public nonisolated let nodeURL: String
  nonisolated let options: Options
  private let port: UInt16
  private var ledger: StardustLedger
  private var plan = FaultPlan()
  private var listener: Listener?
  private var milestones: Task<Void, Never>?

  /// Starts a tangle that listens when this returns.
  ///
  /// - Throws: an error whose description names the address and port that cannot be used.
  public static func start(_ options: Options = Options()) async throws -> DevStardust {
    let doorway = StardustDoorway()
    let listener = try await Listener.start(host: options.host, port: options.port) { request in
      await doorway.answer(request)
    }
    let tangle = DevStardust(options, listener)
    await doorway.open(to: tangle)
    await tangle.startMilestones()
    return tangle
  }

  private init(_ options: Options, _ listener: Listener) {
    self.options = options
    self.listener = listener
    port = listener.port
    nodeURL = "http://\(options.host):\(listener.port)"
    ledger = StardustLedger(nowMs: options.nowMs())
  }

  private func startMilestones() {
    guard let milestoneMs = options.milestoneMs.map({ Int64(max(1000, $0)) }) else { return }
    let nowMs = options.nowMs
    milestones = Task { [weak self] in
      // At the full second, or what is told of a milestone's time would be late.
      while (try? await Task.sleep(for: .milliseconds(milestoneMs - nowMs() % milestoneMs))) != nil
      {
        await self?.makeDueMilestone()
      }
    }
  }

  private func makeDueMilestone() {
    guard !plan.stopsCheckpoints else { return }
    makeMilestone()
  }

  /// Stops listening and closes all connections.
  public func stop() async {
    milestones?.cancel()
    await goDown()
  }

  /// Refuses connections until ``comeUp()``; milestones go on.
  public func goDown() async {
    let listener = listener
    self.listener = nil
    await listener?.stop()
  }

  /// Listens on its port again.
  ///
  /// - Throws: an error that says why it cannot.
  public func comeUp() async throws {
    guard listener == nil else { return }
    let doorway = StardustDoorway()
    await doorway.open(to: self)
    listener = try await Listener.start(host: options.host, port: port) { request in
      await doorway.answer(request)
    }
  }

  // MARK: The ledger

  /// Makes a milestone now, which confirms everything since the last one.
  public func makeMilestone() {
    ledger.makeMilestone(nowMs: options.nowMs())
  }

  /// The newest milestone's index.
  public var newestMilestone: Int64 { ledger.milestones.last.map { Int64($0.index) } ?? 0 }

  /// Makes a payment, which the next milestone confirms.
  ///
  /// - Returns: the transaction's id.
  /// - Throws: an error that says why it was refused.
  @discardableResult
  public func pay(_ order: StardustOrder) throws -> Digest {
    try ledger.pay(order)
  }

  /// Spends all that an owner has, confirmed or not, in favour of somebody.
  ///
  /// - Returns: the transaction's id.
  /// - Throws: an error that says that there is nothing.
  @discardableResult
  public func sweep(_ owner: Address, to recipient: Address) throws -> Digest {
    try ledger.sweep(owner, to: recipient)
  }

  // MARK: Faults

  /// The faults in force, with the counts that are left.
  public var faults: [Fault] { plan.faults }

  /// Puts these faults in the place of all that were in force; the seed decides which requests a
  /// probability hits.
  ///
  /// - Throws: an error that says which fault makes no sense, and why.
  public func setFaults(_ faults: [Fault], seed: UInt64 = 1) throws {
    for (index, fault) in faults.enumerated() {
      let isKnown = Fault.Kind.stardust.contains(fault.kind)
      if let problem = isKnown ? fault.problem : "a Stardust node cannot have it" {
        throw FaultError(description: "Fault \(index + 1), \(fault.kind.rawValue): \(problem).")
      }
    }
    plan.replace(faults, seed: seed)
  }

  /// The faults that concern the next request of a kind.
  func nextFaults(for question: String) -> [Fault] { plan.next(forAnyOf: [question]) }

  /// What a node with the faults knows.
  func view(faults: [Fault]) -> StardustView {
    StardustView(ledger: ledger, options: options, faults: faults)
  }
}

extension DevStardust: Misbehaving {}
