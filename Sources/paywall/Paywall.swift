import ArgumentParser
import Glibc
import MQTTClient
import PaywallCore
import Wallet

/// The command for sellers and buyers.
@main
struct Paywall: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "paywall",
    abstract: "Sell and buy MQTT topics for IOTA.",
    discussion: """
      On a terminal, answers are for people. Piped, or with --json, each is one JSON object (a list: \
      an array) in a line; amounts in it are integers of NANOS (1 IOTA = 1,000,000,000 NANOS), times \
      RFC 3339.

      Exit codes: 0 done; 1 failed; 2 too little money; 3 the outcome of a payment is not known: \
      look it up before paying again; 4 refused by the node or the network; 5 not agreed to; \
      6 the broker cannot be reached, refuses, or is no paywall; 64 wrong usage. Those of check and \
      verify are in their own help.
      """,
    version: Version.current,
    subcommands: [
      BuyCommand.self, WatchCommand.self, AccountCommand.self, WalletCommand.self, Pay.self,
      GrantCommand.self, RevokeCommand.self,
    ],
    groupedSubcommands: [
      CommandGroup(
        name: "Ledger",
        subcommands: [
          AccessCommand.self, PaymentsCommand.self, RevenueCommand.self, WhyCommand.self,
          AssignCommand.self, ExportCommand.self, BackupCommand.self,
        ]),
      CommandGroup(name: "Trust", subcommands: [CheckCommand.self, VerifyCommand.self]),
    ])

  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let error as WalletError {
      Terminal.note("Error: \(error)")
      Glibc.exit(error.code.exitCode)
    } catch let error as MQTTError {
      Terminal.note("Error: \(error)")
      Glibc.exit(BrokerError.exitCode)
    } catch let error as BrokerError {
      Terminal.note("Error: \(error)")
      Glibc.exit(BrokerError.exitCode)
    } catch {
      exit(withError: error)
    }
  }
}

extension WalletError.Code {
  fileprivate var exitCode: Int32 {
    switch self {
    case .invalidInput: 64
    case .keyFile, .node, .wrongNetwork: 1
    case .insufficientFunds: 2
    case .outcomeUnknown: 3
    case .refused: 4
    }
  }
}

/// The exit code where the user did not agree.
let exitNotAgreed = ExitCode(5)
