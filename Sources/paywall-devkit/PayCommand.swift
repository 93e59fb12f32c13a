import ArgumentParser
import Foundation
import HTTP

/// Orders a payment on a Stardust tangle of the devkit.
struct PayCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pay",
    abstract: "A payment on `paywall-devkit tangle --protocol stardust`, for development alone.",
    discussion: """
      There is no wallet for Stardust here: nothing is signed, and the sender needs no money. It is \
      what POST /devkit/pay does, which also takes "tag", "outputs", "expiration", "timelock", \
      "storageReturn" and "nft". Prints one line of JSON. The next milestone confirms the payment.
      """)

  @Argument(help: "The address to pay: 0x and 64 hexadecimal digits, or Bech32.")
  var to: String

  @Argument(help: "Base units; one is 1000 NANOS.")
  var amount: UInt64

  @Option(help: "The node's URL.")
  var node = "http://127.0.0.1:14265"

  @Option(help: "The address of the sender, whom a sender feature names. (default: nobody)")
  var sender: String?

  @Option(help: "The broker account that the memo names, in a metadata feature.")
  var username: String?

  @Option(help: "The text of a metadata feature.")
  var metadata: String?

  mutating func validate() throws {
    guard username == nil || metadata == nil else {
      throw ValidationError("--username is a --metadata; give one of them.")
    }
  }

  func run() async throws {
    let memo = try username.map { username in
      String(decoding: try JSONEncoder().encode(["username": username]), as: UTF8.self)
    }
    var order: [String: JSONValue] = ["to": .string(to), "amount": .string("\(amount)")]
    order["sender"] = sender.map(JSONValue.string)
    order["metadata"] = (memo ?? metadata).map(JSONValue.string)
    let request = HTTPRequest(
      .post, url: node + "/devkit/pay", headers: [.init("Content-Type", "application/json")],
      body: Array(try JSONEncoder().encode(order)))
    let response = try HTTPClient().send(request)
    guard response.status == 200 else {
      let reason = SafeText.line(String(decoding: response.body, as: UTF8.self), maximumCount: 300)
      throw ValidationError("\(node) refused with status \(response.status): \(reason)")
    }
    try FileHandle.standardOutput.write(contentsOf: Data(response.body + [UInt8(ascii: "\n")]))
  }
}
