import Configuration
import Foundation
import PaywallCore

/// Whether `mosquitto.conf` loads the plugin with this configuration, and lets in who should get in.
struct BrokerCheck {
  /// The broker's configuration.
  let path: String
  /// The paywall's configuration, as it is being checked.
  let configurationPath: String
  /// What that says; nil where it cannot be read.
  let configuration: PaywallConfiguration?

  func run(_ findings: inout Findings) {
    let broker: MosquittoConfiguration
    do {
      broker = try MosquittoConfiguration(path: path)
    } catch {
      return findings.fail(
        "broker-configuration", path, "\(path) cannot be read",
        mend: "name the broker's configuration with --broker-config, as a user who may read it")
    }
    for part in broker.unreadable {
      findings.warn(
        "broker-configuration", part, "\(part), which \(path) includes, cannot be read",
        mend: "run this as root; what follows leaves it out")
    }
    checkPlugin(broker, &findings)
    if let place = broker.perListenerPlace {
      findings.warn(
        "broker-per-listener", path,
        "\(place) sets per_listener_settings true, with which the plugin is asked for one listener "
          + "only, and the broker loses messages of clients that are offline",
        mend: "take it out; Mosquitto does without from 3.0 on")
    }
    checkAnonymous(broker, &findings)
    checkAccounts(broker, &findings)
  }

  // MARK: - The plugin

  private func checkPlugin(_ broker: MosquittoConfiguration, _ findings: inout Findings) {
    guard let plugin = broker.paywalls.first else {
      return findings.fail(
        "broker-plugin", path, "\(path) and what it includes have no plugin line for the paywall",
        mend: "add two lines: plugin /usr/lib/x86_64-linux-gnu/mosquitto_paywall.so and "
          + "plugin_opt_config_file \(configurationPath)")
    }
    guard broker.paywalls.count == 1 else {
      return findings.fail(
        "broker-plugin", path,
        "the paywall is loaded more than once: "
          + broker.paywalls.map(\.place).joined(separator: ", "),
        mend: "keep one plugin line")
    }
    guard access(plugin.path, F_OK) == 0 else {
      return findings.fail(
        "broker-plugin", path,
        "\(plugin.place): \(plugin.path) is not there (\(String(cString: strerror(errno))))",
        mend: "install the plugin there, or correct the line")
    }
    guard let named = plugin.options["config_file"] else {
      return findings.fail(
        "broker-option", path, "\(plugin.place): the plugin is given no configuration",
        mend: "add a line below: plugin_opt_config_file \(configurationPath)")
    }
    guard Self.resolved(named) == Self.resolved(configurationPath) else {
      return findings.fail(
        "broker-option", path,
        "\(plugin.place): the plugin reads \(named), not \(configurationPath)",
        mend: "correct plugin_opt_config_file, or check that one with --config \(named)")
    }
    findings.ok(
      "broker-plugin", path, "\(plugin.place) loads the plugin with \(configurationPath)")
  }

  private static func resolved(_ path: String) -> String {
    URL(fileURLWithPath: path).resolvingSymlinksInPath().standardizedFileURL.path
  }

  // MARK: - Who gets in

  private func checkAnonymous(_ broker: MosquittoConfiguration, _ findings: inout Findings) {
    if !broker.hasListener {
      findings.warn(
        "broker-listener", path,
        "\(path) has no listener line, so clients of this machine alone can connect",
        mend: "add one, as: listener 8883")
    }
    if broker.isAnonymousAllowed {
      findings.ok(
        "broker-anonymous", path,
        "clients without a login may connect, read what is free, and see what is sold")
    } else {
      findings.warn(
        "broker-anonymous", path,
        "clients without a login are refused: who has bought nothing yet cannot see what is sold, "
          + "nor get a key for a sealed memo",
        mend: "set allow_anonymous true, unless buyers are told otherwise")
    }
  }

  private func checkAccounts(_ broker: MosquittoConfiguration, _ findings: inout Findings) {
    guard let accounts = configuration?.accounts, !accounts.isEmpty else { return }
    let hasOtherMeans = broker.hasOtherPlugin || broker.hasCertificateNames
    guard !broker.passwordFiles.isEmpty else {
      guard !hasOtherMeans else {
        return findings.ok(
          "broker-accounts", path, "accounts are authenticated by another plugin, or by TLS")
      }
      return findings.fail(
        "broker-accounts", path,
        "nothing authenticates the accounts of \(configurationPath), as '\(accounts[0].username)'",
        mend: "add a line: password_file /etc/mosquitto/passwd")
    }
    for file in broker.passwordFiles {
      checkPasswords(file, accounts.map(\.username), hasOtherMeans: hasOtherMeans, &findings)
    }
  }

  private func checkPasswords(
    _ file: String, _ names: [Name], hasOtherMeans: Bool, _ findings: inout Findings
  ) {
    guard let contents = FileManager.default.contents(atPath: file) else {
      guard access(file, F_OK) != 0, errno == ENOENT else {
        return findings.warn(
          "broker-accounts", file,
          "password_file \(file) may not be read by this user, so whether the accounts are in it is "
            + "not known",
          mend: "run this as root")
      }
      return findings.fail(
        "broker-accounts", file, "password_file \(file) is not there, so the broker does not start",
        mend: "run: install -o mosquitto -m 600 /dev/null \(file); then add each account with "
          + "mosquitto_passwd")
    }
    let known = Set(
      contents.split(separator: UInt8(ascii: "\n"))
        .map { Array($0.prefix { $0 != UInt8(ascii: ":") }) })
    let missing = names.filter { !known.contains($0.bytes) }
    for name in missing {
      let text = "account '\(name)' is not in password_file \(file)"
      let mend = "run: mosquitto_passwd \(file) \(name)"
      if hasOtherMeans {
        findings.warn(
          "broker-accounts", file, text, mend: "\(mend), unless another plugin knows it")
      } else {
        findings.fail("broker-accounts", file, text, mend: mend)
      }
    }
    if missing.isEmpty {
      findings.ok("broker-accounts", file, "password_file \(file) has every account")
    }
  }
}
