import ArgumentParser
import Foundation
import Glibc
import SmartPlug

/// `sensor-agent discover`: lists the plugs on the local network.
struct DiscoverCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "discover",
    abstract: "Lists the plugs on the local network: WeMo, Kasa, Shelly, HomeWizard, Tasmota.",
    discussion: "Prints a table on a terminal, and JSON with --json or when piped.")

  @Option(help: ArgumentHelp("How long to wait for answers of each kind.", valueName: "seconds"))
  var timeout = 3.0
  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    guard (0.1...60).contains(timeout) else {
      throw ValidationError("--timeout must be from 0.1 to 60 seconds.")
    }
  }

  func run() throws {
    let found = PlugDiscovery.run(timeoutMs: Int64(timeout * 1000))
    if json || isatty(STDOUT_FILENO) == 0 {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      print(String(decoding: try encoder.encode(found), as: UTF8.self))
    } else if found.isEmpty {
      print("No plug has answered. Is it in the same network, and does a firewall let UDP through?")
    } else {
      for plug in found {
        print(
          [plug.preset ?? plug.source, plug.address, plug.id ?? "", plug.name ?? ""].joined(
            separator: "  "))
      }
    }
  }
}
