public import HTTP
import IOTACrypto
public import PaywallCore

/// What a payer asks of an IOTA node, over JSON-RPC.
///
/// Source: iotaledger/iota, crates/iota-open-rpc/spec/openrpc.json.
public struct Node: Sendable {
  private let endpoint: JSONRPCEndpoint
  private static let coinType: JSONValue = "0x2::iota::IOTA"
  /// Dust can make a wallet's pages, of 50 coins each, endless.
  private static let maximumPageCount = 200

  /// The node at a URL; the headers, which may hold an API key, are sent with each call.
  public init(url: String, headers: [HTTPRequest.Header] = [], timeoutMs: Int = 15_000) {
    endpoint = JSONRPCEndpoint(
      url: url, headers: headers, client: HTTPClient(), timeoutMs: timeoutMs)
  }

  /// The node's URL, without its secrets.
  public var shownURL: String { endpoint.shownURL.description }

  /// The identifier of the node's network: `6364aad5` is mainnet.
  public func chainIdentifier() throws(WalletError) -> String {
    try ask("iota_getChainIdentifier", [])
  }

  /// Throws unless the node belongs to the network of the identifier.
  public func requireNetwork(_ expected: String) throws(WalletError) {
    let found = try chainIdentifier()
    guard found == expected else {
      throw WalletError(
        .wrongNetwork,
        "The node \(shownURL) belongs to the network \(SafeText.line(found, maximumCount: 40)), "
          + "not \(expected): name another with --node, or the other with --network.")
    }
  }

  /// What the address holds in IOTA, in NANOS, over all its coins.
  public func balanceNanos(of address: Address) throws(WalletError) -> Nanos {
    let balance: Balance = try ask("iotax_getBalance", [.string("\(address)"), Self.coinType])
    guard let nanos = Nanos(exactly: balance.totalBalance.value) else {
      throw WalletError(.node, "The node \(shownURL) says that \(address) has more than there is.")
    }
    return nanos
  }

  /// NANOS per unit of gas in this epoch.
  public func referenceGasPrice() throws(WalletError) -> UInt64 {
    let price: NumberText = try ask("iotax_getReferenceGasPrice", [])
    return price.value
  }

  /// Coins of the address that hold the amount together, and can all pay for one transaction; where
  /// they cannot, the largest.
  func coins(of address: Address, coveringNanos amount: Nanos) throws(WalletError)
    -> CoinSelection
  {
    var coins: [Address: Coin] = [:]
    var cursor: JSONValue = nil
    var pageCount = 0
    while true {
      let page: CoinPage = try ask(
        "iotax_getCoins", [.string("\(address)"), Self.coinType, cursor, nil])
      // A page may repeat coins of another, where one was spent in between.
      page.data.forEach { coins[$0.reference.id] = $0 }
      pageCount += 1
      let selection = CoinSelection(of: Array(coins.values), coveringNanos: amount)
      guard selection.totalNanos < amount, page.hasNextPage, let next = page.nextCursor,
        pageCount < Self.maximumPageCount
      else { return selection }
      cursor = .string(next)
    }
  }

  /// Executes the transaction without signature and effect, to see what it would do.
  func dryRun(_ transaction: Transaction) throws(WalletError) -> TransactionAnswer {
    do {
      return try endpoint.call(
        "iota_dryRunTransactionBlock",
        [JSONValue.string(Base64.encode(transaction.bcs))], as: TransactionAnswer.self)
    } catch {
      // Nodes answer invalid transactions with an error: the reason is the payer's, not ours.
      throw WalletError(error.code == .node ? .refused : .node, "\(error).")
    }
  }

  /// Sends a signed transaction.
  func execute(_ signed: SignedTransaction) throws(JSONRPCError) -> TransactionAnswer {
    let params: [JSONValue] = [
      .string(Base64.encode(signed.transaction.bcs)),
      .array(signed.signatures.map { .string(Base64.encode($0)) }),
      ["showEffects": true], "WaitForLocalExecution",
    ]
    return try endpoint.call("iota_executeTransactionBlock", params, as: TransactionAnswer.self)
  }

  /// What the node knows of a transaction, nil where it knows nothing.
  func transaction(_ digest: Digest) throws(JSONRPCError) -> TransactionAnswer? {
    let params: [JSONValue] = [.string("\(digest)"), ["showEffects": true]]
    do {
      return try endpoint.call("iota_getTransactionBlock", params, as: TransactionAnswer.self)
    } catch  where error.nodeCode == -32602 {
      return nil
    }
  }

  private func ask<Result: Decodable>(
    _ method: String, _ params: [JSONValue]
  ) throws(WalletError) -> Result {
    do {
      return try endpoint.call(method, params, as: Result.self)
    } catch {
      throw WalletError(.node, "\(error).")
    }
  }

  private struct Balance: Decodable {
    let totalBalance: NumberText
  }

  private struct CoinPage: Decodable {
    let data: [Coin]
    let nextCursor: String?
    let hasNextPage: Bool
  }
}
