import ArgumentParser
import IOTACrypto
import PaywallCore
import Wallet

/// `paywall wallet new`: makes or imports a key.
struct WalletNew: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new",
    abstract: "Make a wallet, or import one.",
    discussion: """
      Writes the key of a new mnemonic (24 words) to the key file, which is never overwritten. The \
      words are shown once, on a terminal: written down, they restore the wallet here (--import) \
      and in other IOTA wallets (derivation path m/44'/4218'/0'/0'/index').
      """)

  @OptionGroup var key: KeyOptions
  @OptionGroup var output: OutputOptions

  @Flag(
    name: .customLong("import"),
    help: "Read a mnemonic or a key (iotaprivkey1…) from the standard input, in one line.")
  var imports = false

  @Option(help: "Which key of the mnemonic: the last step of the derivation path.")
  var index: UInt32 = 0

  @Flag(help: "Write the words of a new mnemonic even where the output is no terminal.")
  var words = false

  func validate() throws {
    guard index < 1 << 31 else { throw ValidationError("The index must be below 2147483648.") }
    guard !(imports && words) else {
      throw ValidationError("--words shows a new mnemonic: leave it out with --import.")
    }
  }

  func run() throws {
    if imports {
      try save(try imported(), mnemonic: nil)
    } else {
      let mnemonic = Mnemonic()
      try save(PrivateKey(mnemonic, index: index), mnemonic: mnemonic)
    }
  }

  private func imported() throws -> PrivateKey {
    guard let text = Terminal.readSecret(prompt: "Mnemonic or key"),
      !text.allSatisfy(\.isWhitespace)
    else {
      throw WalletError(.invalidInput, "The standard input holds no mnemonic and no key.")
    }
    do {
      let words = text.split(whereSeparator: \.isWhitespace)
      guard words.count == 1 else { return PrivateKey(try Mnemonic(text), index: index) }
      guard index == 0 else {
        throw ValidationError("--index chooses a key of a mnemonic: leave it out with a key.")
      }
      return try PrivateKey(exported: words[0])
    } catch let error as ValidationError {
      throw error
    } catch {
      throw WalletError(.invalidInput, "\(error)")
    }
  }

  private func save(_ privateKey: PrivateKey, mnemonic: Mnemonic?) throws {
    try key.file.create(privateKey)
    let shown = words || output.isForPeople ? mnemonic?.words.joined(separator: " ") : nil
    if mnemonic != nil, shown == nil {
      Terminal.note(
        "The words of the mnemonic are not shown, for the output is no terminal: keep a copy of "
          + "\(key.file.path).")
    }
    let answer = Answer(
      address: "\(privateKey.address)", keyFile: key.file.path, mnemonic: shown)
    try output.write(answer, lines: lines(answer))
  }

  private func lines(_ answer: Answer) -> [String] {
    var lines = ["Address:  \(answer.address)", "Key file: \(answer.keyFile)"]
    if let mnemonic = answer.mnemonic {
      lines += [
        "", "Write these words down; they are shown this once, and whoever has them has the money:",
        "", mnemonic,
      ]
    }
    return lines
  }

  private struct Answer: Encodable {
    let address: String
    let keyFile: String
    let mnemonic: String?
  }
}
