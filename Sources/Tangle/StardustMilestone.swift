internal import HTTP
internal import PaywallCore

/// Finds what an address was paid in a milestone.
struct StardustMilestone {
  /// The milestone; nil: any.
  let number: Int64?
  let address: Address
  /// Why something is missing, if it is.
  private(set) var fault: String?

  init(number: Int64?, address: Address) {
    self.number = number
    self.address = address
  }

  /// The payments of the milestone that are not known yet, in the order of their digests.
  ///
  /// A transaction of which an output cannot be read is left out, and ``fault`` tells so.
  mutating func payments(
    in pool: inout StardustPool, from index: Int, sinceS: Int64, isKnown: (Digest) throws -> Bool
  ) throws -> [Payment] {
    guard let number else { return [] }
    let changes = try pool.ask(index) { (node) throws(RESTError) in
      try node.changes(at: number)
    }
    let created = changes.createdOutputs.compactMap { StardustOutputID($0) }
    guard Int64(changes.index) == number, created.count == changes.createdOutputs.count else {
      fault = "the node answered with another milestone, or with names that no output has"
      return []
    }
    var payments = try self.payments(
      of: created, in: &pool, from: index, sinceS: sinceS, isKnown: isKnown)
    guard !payments.isEmpty else { return [] }
    guard let own = try ownTransactions(changes.consumedOutputs, in: &pool, from: index) else {
      return []
    }
    for place in payments.indices where own.contains(payments[place].digest) {
      payments[place].markAsOwn(of: address)
    }
    return payments
  }

  /// The payments that the outputs make, of transactions that are not known yet.
  mutating func payments(
    of created: [StardustOutputID], in pool: inout StardustPool, from index: Int, sinceS: Int64,
    isKnown: (Digest) throws -> Bool
  ) throws -> [Payment] {
    var payments: [Payment] = []
    for (transaction, ids) in Dictionary(grouping: created, by: \.transaction) {
      if try isKnown(transaction) { continue }
      // A name that a node repeats is still one output.
      guard let outputs = try outputs(Set(ids), in: &pool, from: index) else { continue }
      let ours = outputs.filter { $0.belongs(to: address) }
      guard let metadata = ours.first?.metadata else { continue }
      let timeS = Int64(metadata.milestoneTimestampBooked)
      guard timeS >= sinceS else { continue }
      let milestone = Checkpoint(
        sequence: Int64(metadata.milestoneIndexBooked), timeMs: timeS * 1000)
      payments.append(Payment(transaction, ours, to: address, at: milestone))
    }
    return payments.sorted {
      ($0.checkpoint?.sequence ?? 0, $0.digest) < ($1.checkpoint?.sequence ?? 0, $1.digest)
    }
  }

  /// The transactions that consumed any of these outputs with the address's signature; nil where one
  /// cannot be read.
  private mutating func ownTransactions(
    _ consumed: [String], in pool: inout StardustPool, from index: Int
  ) throws -> Set<Digest>? {
    var own: Set<Digest> = []
    for text in consumed {
      guard let id = StardustOutputID(text) else {
        fault = "the node answered with names that no output has"
        return nil
      }
      guard let output = try output(id, in: &pool, from: index, isCreated: false) else {
        return nil
      }
      guard let spent = output.spent else {
        fault = "output \(id) was consumed, but the node does not tell by which transaction"
        return nil
      }
      if output.isUnlocked(by: address, atS: spent.atS) { own.insert(spent.by) }
    }
    return own
  }

  private mutating func outputs(
    _ ids: Set<StardustOutputID>, in pool: inout StardustPool, from index: Int
  ) throws -> [StardustOutput]? {
    var outputs: [StardustOutput] = []
    for id in ids.sorted(by: { $0.index < $1.index }) {
      guard let output = try output(id, in: &pool, from: index, isCreated: true) else { return nil }
      outputs.append(output)
    }
    return outputs
  }

  /// An output as a node tells it, the preferred one first; nil where none does.
  private mutating func output(
    _ id: StardustOutputID, in pool: inout StardustPool, from index: Int, isCreated: Bool
  ) throws -> StardustOutput? {
    for node in [index] + pool.awake.filter({ $0 != index }) {
      do {
        if node != index { _ = try pool.info(node) }
        let found = try pool.ask(node) { (node) throws(RESTError) -> StardustOutput? in
          do throws(RESTError) {
            return try node.output(id)
          } catch {
            guard error.status == 404 || error.code == .invalidResponse else { throw error }
            return nil
          }
        }
        guard let found, found.id == id else { continue }
        let booked = Int64(found.metadata.milestoneIndexBooked)
        if !isCreated || number == nil || booked == number { return found }
      } catch let error where error is NodeFailure || error is NetworkMismatch {
        // The others may help; but whoever is read from has failed.
        if node == index { throw error }
      }
    }
    fault = "no node tells output \(id)"
    return nil
  }
}
