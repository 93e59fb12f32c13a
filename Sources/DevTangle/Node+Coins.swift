import PaywallCore

extension Node {
  /// A page of the owner's coins in the order of their ids.
  func coins(_ parameters: Parameters, anyType: Bool) throws(RPCError) -> JSON {
    // getCoins takes (owner, type, cursor, limit), getAllCoins (owner, cursor, limit).
    let owner = try parameters.address(0, "owner")
    let wanted = anyType ? true : try isIOTA(parameters.optional(1))
    let cursorIndex = anyType ? 1 : 2
    let cursor =
      parameters.optional(cursorIndex) == nil
      ? nil : try parameters.address(cursorIndex, "cursor")
    let limit = try parameters.pageLimit(cursorIndex + 1)
    let coins = wanted ? chain.coins(of: owner).drop { $0.id <= cursor ?? Address(.zero) } : []
    let page = coins.prefix(limit)
    return [
      "data": .array(page.map(\.json)),
      "nextCursor": (page.last?.id ?? cursor).map { .text($0) } ?? .null,
      "hasNextPage": .bool(coins.count > page.count),
    ]
  }

  func balance(_ parameters: Parameters) throws(RPCError) -> JSON {
    let owner = try parameters.address(0, "owner")
    guard try isIOTA(parameters.optional(1)) else {
      return [
        "coinType": parameters.optional(1) ?? .null, "coinObjectCount": 0, "totalBalance": "0",
      ]
    }
    return balance(of: chain.coins(of: owner))
  }

  func balances(_ parameters: Parameters) throws(RPCError) -> JSON {
    let coins = chain.coins(of: try parameters.address(0, "owner"))
    return coins.isEmpty ? [] : [balance(of: coins)]
  }

  private func balance(of coins: [Coin]) -> JSON {
    [
      "coinType": .string(Coin.coinType), "coinObjectCount": .int(Int64(coins.count)),
      "totalBalance": .text(coins.reduce(0) { $0 + $1.balance }),
    ]
  }

  /// Whether the type is IOTA's, however many zeros its address is written with; none means IOTA.
  private func isIOTA(_ type: JSON?) throws(RPCError) -> Bool {
    guard let type else { return true }
    let parts = (type.string ?? "").split(separator: "::", omittingEmptySubsequences: false)
    guard parts.count >= 3, let package = Address(abbreviated: parts[0]) else {
      throw .invalid("Invalid params: coin_type must be like 0x2::iota::IOTA.")
    }
    return package == Address(abbreviated: "0x2") && parts[1...] == ["iota", "IOTA"]
  }

  func object(_ parameters: Parameters) throws(RPCError) -> JSON {
    let id = try parameters.address(0, "object_id")
    guard let coin = chain.coins[id] else {
      guard let version = chain.deletedVersions[id] else {
        return ["error": ["code": "notExists", "object_id": .text(id)]]
      }
      return [
        "error": [
          "code": "deleted", "object_id": .text(id), "version": .text(version),
          "digest": .text(Digest.deletedObject),
        ]
      ]
    }
    return ["data": coin.json(options: parameters.optional(1))]
  }
}

extension Coin {
  /// The coin as `iotax_getCoins` shows it.
  var json: JSON {
    [
      "coinType": .string(Self.coinType), "coinObjectId": .text(id), "version": .text(version),
      "digest": .text(digest), "balance": .text(balance),
      "previousTransaction": .text(previousTransaction),
    ]
  }

  /// The coin as `iota_getObject` shows it, with the parts that were asked for.
  func json(options: JSON?) -> JSON {
    var fields: [String: JSON] = [
      "objectId": .text(id), "version": .text(version), "digest": .text(digest),
    ]
    func show(_ option: String, _ key: String, _ value: JSON) {
      if options?[option]?.bool == true { fields[key] = value }
    }
    show("showType", "type", .string(Self.objectType))
    show("showOwner", "owner", ["AddressOwner": .text(owner)])
    show("showPreviousTransaction", "previousTransaction", .text(previousTransaction))
    show("showStorageRebate", "storageRebate", .text(Self.storageCost))
    show(
      "showContent", "content",
      [
        "dataType": "moveObject", "type": .string(Self.objectType),
        "fields": ["balance": .text(balance), "id": ["id": .text(id)]],
      ])
    return .object(fields)
  }
}
