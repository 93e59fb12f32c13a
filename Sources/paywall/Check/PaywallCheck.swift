import Configuration
import Foundation
import HTTP
import Ledger
import PaywallCore
import Setup
import Tangle

/// Goes through all that can be wrong with a paywall, from its file to its broker.
struct PaywallCheck {
  /// What was paid later a node that lags a little need not know, in milliseconds.
  private static let settlingMs: Int64 = 60_000

  let configurationPath: String
  /// The broker's configuration; nil: it is left aside.
  let brokerPath: String?

  func run(_ findings: inout Findings) {
    let path = URL(fileURLWithPath: configurationPath).path
    let configuration = load(path, &findings)
    if let configuration { check(configuration, &findings) }
    if let brokerPath {
      BrokerCheck(
        path: brokerPath, configurationPath: path, configuration: configuration
      ).run(&findings)
    }
  }

  private func load(_ path: String, _ findings: inout Findings) -> PaywallConfiguration? {
    do {
      let configuration = try ConfigurationFile.load(path: path, namedBy: "--config")
      findings.ok("configuration", path, "\(path) makes sense")
      checkExample(configuration, path, &findings)
      let hasKeys = configuration.tangle.nodes.contains { ShownURL($0).holdsKey }
      if hasKeys, let file = FileStatus(path), file.mode & 0o004 != 0 {
        findings.warn(
          "configuration-mode", path,
          "everybody on this machine may read \(path), whose 'nodes' may hold a key",
          mend: "run: chmod o-rwx \(path); the broker's group has to be its group then")
      }
      return configuration
    } catch {
      findings.fail("configuration", path, "\(error)", mend: nil)
      return nil
    }
  }

  /// What the example has and nobody means.
  private func checkExample(
    _ configuration: PaywallConfiguration, _ path: String, _ findings: inout Findings
  ) {
    if configuration.realm.hasSuffix(".example") {
      findings.warn(
        "realm", path,
        "'realm' is the example's, \(configuration.realm): wallets sign logins only "
          + "for the host that they connect to",
        mend: "write the name that buyers connect to")
    }
  }

  private func check(_ configuration: PaywallConfiguration, _ findings: inout Findings) {
    let ledger = LedgerFileCheck(path: configuration.ledger).run(&findings)
    SecretCheck(
      path: configuration.secretFile, ledger: FileStatus(configuration.ledger),
      fingerprint: ledger.flatMap { try? $0.secretFingerprint() },
      folder: FileStatus(FileStatus.folder(of: configuration.ledger))
    ).run(&findings)
    let nodes = askNodes(configuration.tangle, ledger)
    nodes.run(&findings)
    if let ledger {
      do {
        try ReadingCheck(tangle: configuration.tangle, ledger: ledger, nodes: nodes)
          .run(&findings)
      } catch {
        findings.fail("reading", ledger.path, "\(error)", mend: nil)
      }
    }
    OffersCheck(
      configuration: configuration, ledger: ledger, nowMs: Moment.nowMs &+ (nodes.skewMs ?? 0)
    ).run(&findings)
  }

  private func askNodes(
    _ tangle: PaywallConfiguration.Tangle, _ ledger: LedgerInspection?
  ) -> NodesCheck {
    let place = Self.place(in: ledger, tangle)
    Terminal.progress("Asking \(tangle.nodes.count == 1 ? "the node" : "the nodes") …")
    let surveys = Survey.run(
      tangle.probes,
      NodeProbe.Known(address: tangle.address, landmarks: place.payments) { digest in
        // What a ledger that fails knows is not unread; the ledger's own line says that it fails.
        ledger.map { (try? $0.isKnown(digest)) ?? true } ?? true
      })
    Terminal.progress("")
    return NodesCheck(
      tangle: tangle, surveys: surveys, position: place.position,
      lastPayment: place.payments.last)
  }

  /// Where reading stands, and the first and last payment that the nodes should know.
  private static func place(
    in ledger: LedgerInspection?, _ tangle: PaywallConfiguration.Tangle
  ) -> (position: ReadingPosition?, payments: [Digest]) {
    guard let ledger, let readings = try? ledger.readings() else { return (nil, []) }
    let reading = readings.first {
      $0.network == tangle.network && $0.address == tangle.address.description
    }
    let sinceMs = tangle.sinceMs ?? reading?.sinceMs ?? (try? ledger.bornAtMs()) ?? nil
    let position = sinceMs.map { ReadingPosition(checkpoint: reading?.checkpoint, sinceMs: $0) }
    // Of several addresses or networks, the ledger does not say which a payment is of.
    guard reading != nil, readings.count == 1 else { return (position, []) }
    let payments = try? ledger.firstAndLastPayment(
      sinceMs: sinceMs ?? .min, untilMs: Moment.nowMs - settlingMs)
    return (position, payments ?? [])
  }
}
