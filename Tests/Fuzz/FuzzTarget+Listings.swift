import Foundation
@testable import HTTP
import IOTACrypto
import PaywallCore
import Synchronization
@testable import Tangle

extension FuzzTarget {
  /// Pages of either protocol, the newest first, with NULs between.
  static let listing = FuzzTarget(name: "listing") { bytes in
    let pages = bytes.split(separator: 0).prefix(64).map { listingPage(Array($0)) }
    try followed(
      pages, after: ReadingPosition(checkpoint: nil, sinceMs: 0), cutoff: nil, idleCutoff: nil)
    try followed(
      pages, after: ReadingPosition(checkpoint: 140, sinceMs: 1_795_000_000_000), cutoff: 100,
      idleCutoff: 120)
  }

  /// Pages of a Stardust node's indexer, with NULs between.
  static let stardustIndexer = FuzzTarget(name: "stardust-indexer") { bytes in
    let answers = bytes.split(separator: 0, omittingEmptySubsequences: false).map(Array.init)
    let endpoint = RESTEndpoint(
      url: NodeSecret.url, headers: NodeSecret.headers, client: HTTPClient())
    var cursors: [String?] = []
    var names: [String] = []
    let outputs = try? StardustIndexerPage.allOutputs { cursor in
      cursors.append(cursor)
      let body = answers[min(cursors.count, answers.count) - 1]
      do throws(RESTError) {
        let page = try endpoint.value(
          at: "/outputs", in: HTTPResponse(status: 200, headers: [], body: body),
          as: StardustIndexerPage.self)
        names += page.items
        return page
      } catch {
        try promiseSafe(error.description, of: body)
        throw error
      }
    }
    try promise(cursors.count <= answers.count + 1, "pages that repeat themselves are left")
    for (cursor, next) in zip(cursors, cursors.dropFirst()) {
      try promise(cursor != next, "no page is asked for twice in a row")
      try promise(next?.wholeMatch(of: /[0-9A-Za-z._-]+/) != nil, "a cursor spoils no URL")
    }
    guard let outputs else { return }
    let expected = names.filter { $0.wholeMatch(of: /0x[0-9a-fA-F]{68}/) != nil }
    try promise(
      outputs.map(\.description) == expected.map { $0.lowercased() }, "every output is found")
  }

  /// As an endpoint reads it; nil where it is no page.
  private static func listingPage(_ bytes: [UInt8]) -> ListingPage? {
    guard let depth = JSONDepth.deepest(in: bytes), depth <= 64 else { return nil }
    let decoder = JSONDecoder()
    return (try? decoder.decode(JSONRPCListing.self, from: Data(bytes)))?.page
      ?? (try? decoder.decode(GraphQLListing.self, from: Data(bytes)))?.page
  }

  /// Follows a list of pages to its end, and compares with what a plain reading finds in it.
  private static func followed(
    _ pages: [ListingPage?], after position: ReadingPosition, cutoff: Int64?, idleCutoff: Int64?
  ) throws {
    guard !pages.isEmpty else { return }
    let node = PagedNode(pages)
    var listing = DigestListing(
      address: Seeds.seller, position: position, ages: [:], cutoff: cutoff, idleCutoff: idleCutoff)
    var count = 0
    while !listing.hasEnded {
      do {
        try listing.listPage(node) { $0.isKnown }
      } catch is PagedNode.Failure {
        break
      }
      count += 1
      try promise(count <= pages.count + 4, "a list that repeats itself is left")
    }
    let seen = node.seen
    try promise(
      listing.unknown == plainlyUnknown(seen, sinceMs: position.sinceMs),
      "what is new is listed, each once, in its order")
    try promise(
      !(listing.isComplete && listing.fault != nil), "a list with a fault is not complete")
    guard listing.isComplete, let last = seen.last, last.hasNextPage else { return }
    let told = Dictionary(
      seen.flatMap(\.entries).compactMap { entry in entry.checkpoint.map { (entry.digest, $0) } }
    ) { $1 }
    for digest in last.entries.map(\.digest).suffix(max(1, last.entries.count / 4)) {
      let age = told[digest] ?? digest.age
      try promise(
        age.timeMs < position.sinceMs || age.sequence <= max(cutoff ?? -1, idleCutoff ?? -1),
        "a list is left only where all was read before")
    }
  }

  private static func plainlyUnknown(_ pages: [ListingPage], sinceMs: Int64) -> [Digest] {
    var seen: Set<Digest> = []
    var ages: [Digest: Checkpoint] = [:]
    var unknown: [Digest] = []
    for page in pages {
      for entry in page.entries { ages[entry.digest] = entry.checkpoint ?? ages[entry.digest] }
      for digest in page.entries.map(\.digest) where seen.insert(digest).inserted {
        let isOld = ages[digest].map { $0.timeMs < sinceMs } ?? false
        if !isOld, !digest.isKnown { unknown.append(digest) }
      }
    }
    return unknown
  }
}

/// A node that gives some pages one after the other, and the last again and again.
private final class PagedNode: RebasedNode {
  struct Failure: Error {}

  let shownURL = ShownURL(NodeSecret.url)
  private let pages: [ListingPage?]
  private let given = Mutex(0)

  init(_ pages: [ListingPage?]) { self.pages = pages }

  /// The pages that were given.
  var seen: [ListingPage] {
    let count = given.withLock { $0 }
    return (0..<count).compactMap { pages[min($0, pages.count - 1)] }
  }

  func listing(to address: Address, after cursor: String?) throws -> ListingPage {
    let number = given.withLock { number in
      defer { number += 1 }
      return min(number, pages.count - 1)
    }
    guard pages.indices.contains(number) else { throw Failure() }
    guard let page = pages[number] else { throw UnknownCursor(reason: "no page") }
    return page
  }

  func checkpoints(of digests: [Digest]) throws -> [Digest: Checkpoint] {
    Dictionary(digests.map { ($0, $0.age) }) { $1 }
  }

  func networkIdentifier() throws -> String { throw Failure() }
  func transactions(_ digests: [Digest]) throws -> [TransactionBlock] { throw Failure() }
  func latestCheckpoint() throws -> Checkpoint { throw Failure() }
  func digests(inCheckpoint sequence: Int64) throws -> Set<Digest>? { throw Failure() }
}

extension Digest {
  /// Some are known, whatever the input.
  fileprivate var isKnown: Bool { bytes[31] % 4 == 0 }

  /// What a node that does not tell it in its list says when it is asked.
  fileprivate var age: Checkpoint {
    Checkpoint(sequence: Int64(bytes[0]), timeMs: 1_794_000_000_000 + Int64(bytes[1]) << 24)
  }
}
