import Foundation
import HTTP
import IOTACrypto
import MQTTClient
import PaywallCore
import Wallet

/// Purchases that another wallet pays.
extension BuyCommand {
  /// Says how to pay, and waits for that where it can be known.
  func instruct(_ purchase: Purchase) throws {
    if let login = purchase.login { try broker.logins.save(login) }
    let instructions = PaymentInstructions(purchase.order)
    if noWait && !qr {
      let isForPeople = Terminal.isOutput && !stream.json
      try OutputOptions.write(instructions, isForPeople: isForPeople, lines: instructions.lines)
    } else {
      instructions.lines.forEach(Terminal.note)
    }
    if qr { showCode(purchase) }
    // Nobody but the phone's wallet can log in to what it pays for without a memo.
    guard !noWait, !qr || account.walletLogin else { return }
    try receive(purchase, after: nil)
  }

  private func showCode(_ purchase: Purchase) {
    if Terminal.canShowPictures {
      QRCode.lines("\(purchase.offers.seller)").forEach(Terminal.note)
    } else {
      Terminal.note("This is no terminal that can show a QR code.")
    }
    let realm = purchase.offers.realm
    let file = account.key.wallet ?? "FILE"
    let login = ["paywall", "wallet", "sign-login", realm, "--wallet", file]
      .map(ShellWord.quoted).joined(separator: " ")
    Terminal.note(
      "The code is the seller's address; the amount is yours to enter. A wallet on a phone attaches "
        + "no memo, so what it pays for is its own address's, which logs in by a signature: with its "
        + "key in a file, '\(next.watch(offer.description, .wallet(file: file)))' receives the "
        + "messages, and '\(login)' makes username and password for any MQTT client.")
    guard !broker.isSignedFor(realm) else { return }
    Terminal.note(
      "The broker calls itself '\(realm)': if you know it by that name, add --realm to the first.")
  }

  /// Says how to pay a seller on a network that this wallet does not know.
  ///
  /// - Throws: `WalletError`, always.
  func refuseStardust(_ purchase: Purchase) throws {
    Terminal.note("Pay with a wallet of that network:")
    PaymentInstructions(purchase.order).lines.dropLast(2).forEach(Terminal.note)
    if let login = purchase.login { try broker.logins.save(login) }
    throw WalletError(
      .wrongNetwork,
      "The seller is paid over \(SafeText.line(purchase.offers.protocol, maximumCount: 40)), where "
        + "this wallet cannot pay; once it is paid, '\(next.watch(offer.description))' goes on.")
  }
}
