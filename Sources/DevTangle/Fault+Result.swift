extension Fault {
  /// A result as a node with this fault would give it.
  func spoil(
    _ result: JSON, of method: String, using random: inout SeededGenerator
  ) -> JSON {
    switch kind {
    case .duplicate:
      return Self.changingPage(result) { page in page.flatMap { [$0, $0] } }
    case .reorder:
      return Self.changingPage(result) { page in page.shuffled(using: &random) }
    case .nullCursor:
      guard case .object(var fields) = result, fields["nextCursor"] != nil else { return result }
      fields["nextCursor"] = .null
      return .object(fields)
    case .missingBalanceChanges:
      return Self.withoutBalanceChanges(result)
    case .wrongNetwork:
      return method == "iota_getChainIdentifier" ? anotherNetwork(result) : result
    case .timeSkew:
      return Self.addingToTimes(effectiveValue, result)
    default:
      return result
    }
  }

  /// A chain identifier that differs in each digit.
  func anotherNetwork(_ identifier: JSON) -> JSON {
    guard let text = identifier.string else { return identifier }
    let digits = text.utf8.map { $0 == UInt8(ascii: "f") ? UInt8(ascii: "0") : UInt8(ascii: "f") }
    return .string(String(decoding: digits, as: UTF8.self))
  }

  private static func changingPage(_ result: JSON, _ change: ([JSON]) -> [JSON]) -> JSON {
    guard case .object(var fields) = result, let page = fields["data"]?.array else {
      return result
    }
    fields["data"] = .array(change(page))
    return .object(fields)
  }

  private static func withoutBalanceChanges(_ result: JSON) -> JSON {
    if let blocks = result.array { return .array(blocks.map(withoutBalanceChanges)) }
    if result["data"] != nil {
      return changingPage(result) { page in page.map(withoutBalanceChanges) }
    }
    guard case .object(var fields) = result, fields["balanceChanges"] != nil else { return result }
    let gas = fields["effects"]?["gasObject"]?["reference"]
    let id = gas?["objectId"]?.string ?? "0x0"
    let version = gas?["version"]?.int ?? 0
    fields["balanceChanges"] = nil
    fields["errors"] = [
      .string(
        "Failed to fetch balance changes for the transaction: ObjectNotFound { object_id: \(id), "
          + "version: Some(SequenceNumber(\(version))) }")
    ]
    return .object(fields)
  }

  private static func addingToTimes(_ offsetMs: Int64, _ json: JSON) -> JSON {
    switch json {
    case .array(let elements):
      return .array(elements.map { addingToTimes(offsetMs, $0) })
    case .object(var fields):
      for (key, value) in fields {
        if key == "timestampMs", let timeMs = value.string.flatMap(Int64.init) {
          fields[key] = .text(timeMs.addingReportingOverflow(offsetMs).partialValue)
        } else {
          fields[key] = addingToTimes(offsetMs, value)
        }
      }
      return .object(fields)
    default:
      return json
    }
  }
}
