import Foundation
import PaywallCore

/// A list that is read page by page.
struct GraphQLConnection {
  let type: String
  /// In order, each with what names its place in a cursor.
  var items: [(place: Int, object: GraphQLObject)]
  /// The checkpoint as of which the list is read, which a cursor holds on to.
  var viewedAt: UInt64
  var hidesCursors = false
  /// What a fault makes of a page.
  var spoil: ([GraphQLNode]) -> [GraphQLNode] = { $0 }

  /// The page that the arguments ask for.
  ///
  /// As on an indexer, a cursor that names nothing in the list gets an empty page.
  func page(_ arguments: GraphQLArguments) throws(GraphQLRefusal) -> GraphQLObject {
    let (first, last) = (try arguments.int("first"), try arguments.int("last"))
    guard first == nil || last == nil else {
      throw .input("'first' and 'last' must not be used together")
    }
    let size = first ?? last ?? GraphQLLimits.defaultPageSize
    guard size <= GraphQLLimits.pageSize else {
      throw .input("Connection's page size of \(size) exceeds max of \(GraphQLLimits.pageSize)")
    }
    var range = items.indices
    if let after = try arguments.string("after") {
      let place = try Cursor(after).place
      let index = items.firstIndex { $0.place == place }
      range = index.map { ($0 + 1)..<items.endIndex } ?? 0..<0
    }
    if let before = try arguments.string("before") {
      let place = try Cursor(before).place
      let index = items.firstIndex { $0.place == place }
      range = index.map { range.lowerBound..<max(range.lowerBound, $0) } ?? 0..<0
    }
    let page = last == nil ? items[range].prefix(size) : items[range].suffix(size)
    return show(page, hasPrevious: page.startIndex > 0, hasNext: page.endIndex < items.count)
  }

  private func show(
    _ page: ArraySlice<(place: Int, object: GraphQLObject)>, hasPrevious: Bool, hasNext: Bool
  ) -> GraphQLObject {
    let edges = page.map { item -> GraphQLNode in
      .object(
        GraphQLObject(
          "\(type)Edge", ["cursor": .leaf(cursor(item.place)), "node": .object(item.object)]))
    }
    let isEmpty = page.isEmpty
    let ends = [page.first, page.last].map { item -> JSON in
      hidesCursors ? .null : item.map { cursor($0.place) } ?? .null
    }
    let info = GraphQLObject(
      "PageInfo",
      [
        "hasPreviousPage": .leaf(.bool(hasPrevious && !isEmpty)),
        "hasNextPage": .leaf(.bool(hasNext && !isEmpty)),
        "startCursor": .leaf(ends[0]), "endCursor": .leaf(ends[1]),
      ])
    return GraphQLObject(
      "\(type)Connection",
      [
        "pageInfo": .object(info), "edges": .list(spoil(edges)),
        "nodes": .list(spoil(page.map { .object($0.object) })),
      ])
  }

  private func cursor(_ place: Int) -> JSON {
    let text = #"{"c":\#(viewedAt),"t":\#(place),"i":false}"#
    return .string(
      Data(text.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_"))
  }

  /// What a cursor holds.
  struct Cursor {
    let place: Int
    let viewedAt: UInt64

    init(_ text: String) throws(GraphQLRefusal) {
      let base64 = text.replacing("-", with: "+").replacing("_", with: "/")
      guard let data = Data(base64Encoded: base64), let json = try? JSON(parsing: data),
        let place = json["t"]?.int.flatMap({ Int(exactly: $0) }),
        let viewedAt = json["c"]?.int.flatMap({ UInt64(exactly: $0) })
      else { throw .input("Invalid cursor") }
      self.place = place
      self.viewedAt = viewedAt
    }
  }
}
