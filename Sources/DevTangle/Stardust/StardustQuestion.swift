import PaywallCore

/// What is asked of a Stardust node.
enum StardustQuestion: Sendable {
  case info
  case milestone(UInt32)
  case changes(UInt32)
  case output(StardustLedger.OutputID)
  case metadata(StardustLedger.OutputID)
  case unspent(Filter)

  /// Which basic outputs the indexer is to list.
  struct Filter: Sendable {
    var address: Address?
    var createdAfter: UInt32 = 0
    var createdBefore: UInt32 = .max
    var pageSize = 1000
    /// The first name of the page; nil: the page is the first.
    var cursor: String?
  }

  /// Why a question cannot be answered.
  enum Problem: Error {
    /// There is no such resource.
    case unknown
    /// A parameter is wrong.
    case malformed(String)
  }

  /// Its name in a fault.
  var name: String {
    switch self {
    case .info: "info"
    case .milestone: "milestone"
    case .changes: "utxo-changes"
    case .output, .metadata: "output"
    case .unspent: "basic"
    }
  }

  init(path: String, query: [(name: String, value: String)], prefix: String) throws(Problem) {
    let parts = path.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
    switch parts {
    case ["api", "core", "v2", "info"]: self = .info
    case ["api", "indexer", "v1", "outputs", "basic"]:
      self = .unspent(try Self.filter(query, prefix: prefix))
    default:
      guard parts.count > 4, parts.prefix(3) == ["api", "core", "v2"] else { throw .unknown }
      self = try Self.detail(Array(parts.dropFirst(3)))
    }
  }

  private static func detail(_ parts: [String]) throws(Problem) -> StardustQuestion {
    switch (parts[0], parts[1], parts.count) {
    case ("outputs", _, 2): .output(try id(parts[1]))
    case ("outputs", _, 3) where parts[2] == "metadata": .metadata(try id(parts[1]))
    case ("milestones", "by-index", 3): .milestone(try index(parts[2]))
    case ("milestones", "by-index", 4) where parts[3] == "utxo-changes":
      .changes(try index(parts[2]))
    default: throw .unknown
    }
  }

  private static func id(_ text: String) throws(Problem) -> StardustLedger.OutputID {
    guard let id = StardustLedger.OutputID(text) else {
      throw .malformed("invalid output ID: \(text)")
    }
    return id
  }

  private static func index(_ text: String) throws(Problem) -> UInt32 {
    guard let index = UInt32(text) else { throw .malformed("invalid milestone index: \(text)") }
    return index
  }

  private static func filter(
    _ query: [(name: String, value: String)], prefix: String
  ) throws(Problem) -> Filter {
    var filter = Filter()
    for (name, value) in query {
      switch name {
      case "address":
        guard let address = StardustAddress.parse(value, prefix: prefix), !value.hasPrefix("0x")
        else { throw .malformed("invalid address: \(value)") }
        filter.address = address
      case "createdAfter": filter.createdAfter = try index(value)
      case "createdBefore": filter.createdBefore = try index(value)
      case "pageSize": filter.pageSize = min(1000, max(1, Int(try index(value))))
      case "cursor":
        let parts = value.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].count == 76, let size = Int(parts[1]), size > 0 else {
          throw .malformed("invalid cursor: \(value)")
        }
        filter.cursor = String(parts[0])
      default: throw .malformed("unknown parameter: \(name)")
      }
    }
    return filter
  }
}
