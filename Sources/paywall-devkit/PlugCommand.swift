import ArgumentParser
import DevPlug
import Foundation
import Glibc

/// `paywall-devkit plug`: a WeMo Insight on the network, for development and demos.
struct PlugCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plug",
    abstract: "A Belkin WeMo Insight on the network, quirks included.",
    discussion: """
      Serves setup.xml, service descriptions and SOAP as the plug does, and runs until it is \
      interrupted. It misbehaves on demand: POST {"faults":["slow:1500"]} to /devkit/faults, \
      [] to end it. Faults: \(Fault.names.joined(separator: ", ")).
      """)

  @Option(help: "IPv4 address to listen on; 0.0.0.0 for all.")
  var bind = "127.0.0.1"

  @Option(help: "TCP port; 0 for any free one.")
  var port: UInt16 = 49153

  @Option(help: "The name the plug goes by.")
  var name = "WeMo Insight"

  @Option(help: "The serial number at the end of its UDN.")
  var serial = DevPlug.Options().serial

  @Option(help: "Seed of the power curve.")
  var seed: UInt64 = 1

  @Option(name: .customLong("power-mw"), help: "A fixed power in milliwatts instead of a curve.")
  var powerMW: Int?

  @Option(help: "One power in milliwatts for each second, separated by commas; the last one stays.")
  var script: String?

  @Option(help: "A fault from the start; can be repeated.")
  var fault: [String] = []

  @Flag(help: "Answer searches (SSDP) on UDP port 1900 of the network of --bind.")
  var ssdp = false

  @Flag(help: "Print one line of JSON when ready.")
  var json = false

  func run() async throws {
    var options = DevPlug.Options()
    options.bind = bind
    options.port = port
    options.name = name
    options.serial = serial
    options.curve = try curve()
    options.answersSearches = ssdp

    let signals = Signals([SIGINT, SIGTERM])
    let plug = try DevPlug(options)
    defer { plug.stop() }
    try plug.setFaults(Set(fault.map { name throws(DevPlugError) in try Fault(name) }))
    announce(plug)
    await signals.first()
  }

  private func curve() throws -> PowerCurve {
    if let powerMW { return .fixed(mW: powerMW) }
    guard let script else { return .seeded(seed) }
    let values = script.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard !values.contains(nil) else {
      throw ValidationError(
        "--script \"\(script)\" must be whole numbers of milliwatts separated by commas.")
    }
    return .script(mW: values.compactMap { $0 })
  }

  private func announce(_ plug: DevPlug) {
    struct Ready: Encodable {
      var url: String
      var udn: String
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if json, let line = try? encoder.encode(Ready(url: plug.url, udn: plug.udn)) {
      print(String(decoding: line, as: UTF8.self))
    } else {
      print("WeMo Insight at \(plug.url)")
    }
    fflush(nil)
  }
}
