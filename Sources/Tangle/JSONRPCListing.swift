internal import PaywallCore

/// A page of transactions as JSON-RPC lists them, newest first.
struct JSONRPCListing: Decodable {
  struct Entry: Decodable, Sendable {
    var digest: String
  }

  var data: [Lenient<Entry>]
  var nextCursor: String?
  var hasNextPage: Bool

  /// The page; the cursor of an entry is its digest.
  var page: ListingPage {
    let digests = data.compactMap { $0.value.flatMap { Digest($0.digest) } }
    return ListingPage(
      entries: digests.map { ListingPage.Entry(digest: $0, cursor: $0.description) },
      hasOddEntries: digests.count < data.count, nextCursor: nextCursor, hasNextPage: hasNextPage)
  }
}
