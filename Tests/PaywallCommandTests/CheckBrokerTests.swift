import Configuration
import Foundation
import TestSupport
import Testing

@testable import paywall

/// What `paywall check` says of `mosquitto.conf`.
@Suite(.timeLimit(.minutes(5))) struct CheckBrokerTests {
  /// A line of the broker's configuration that is changed, and what is said then.
  struct Mistake: CustomTestStringConvertible, Sendable {
    var right: String
    var wrong: String
    var says: [String]

    var testDescription: String { wrong.isEmpty ? "without \(right)" : wrong }
  }

  @Test(arguments: [
    Mistake(right: "plugin FOLDER/", wrong: "# plugin FOLDER/", says: ["error broker-plugin"]),
    Mistake(
      right: "FOLDER/mosquitto_paywall.so", wrong: "FOLDER/old/mosquitto_paywall.so",
      says: ["error broker-plugin"]),
    Mistake(
      right: "listener 1883", wrong: "plugin FOLDER/mosquitto_paywall.so\nlistener 1883",
      says: ["error broker-plugin"]),
    Mistake(
      right: "plugin_opt_config_file FOLDER/paywall.toml", wrong: "", says: ["error broker-option"]),
    Mistake(
      right: "plugin_opt_config_file FOLDER/paywall.toml",
      wrong: "plugin_opt_config_file FOLDER/other.toml", says: ["error broker-option"]),
    Mistake(
      right: "listener 1883", wrong: "per_listener_settings true\nlistener 1883",
      says: ["warning broker-per-listener"]),
    Mistake(
      right: "allow_anonymous true", wrong: "allow_anonymous false",
      says: ["warning broker-anonymous"]),
    Mistake(right: "allow_anonymous true", wrong: "", says: ["warning broker-anonymous"]),
    Mistake(right: "listener 1883", wrong: "", says: ["warning broker-listener"]),
    Mistake(
      right: "password_file FOLDER/passwd", wrong: "", says: ["error broker-accounts"]),
    Mistake(
      right: "password_file FOLDER/passwd", wrong: "plugin /usr/lib/mosquitto_dynamic_security.so",
      says: []),
    Mistake(
      right: "password_file FOLDER/passwd", wrong: "use_identity_as_username true", says: []),
    Mistake(
      right: "password_file FOLDER/passwd", wrong: "password_file FOLDER/nobody",
      says: ["error broker-accounts"]),
  ])
  func `each mistake has its line`(mistake: Mistake) async throws {
    try await Booth.open(.rebasedJSONRPC) { booth in
      try booth.setUpBroker()
      try await booth.record()
      func here(_ text: String) -> String { text.replacing("FOLDER", with: booth.folder) }
      try booth.replaceInBroker(here(mistake.right), with: here(mistake.wrong))
      let checked = try await booth.check()
      #expect(checked.names == mistake.says)
      #expect(checked.code == (mistake.says.contains { $0.hasPrefix("error") } ? 1 : 0))
      #expect(checked.amiss.allSatisfy { $0.mend != nil })
    }
  }

  @Test func `an account that is not in the password file is told`() async throws {
    try await Booth.open(.rebasedJSONRPC) { booth in
      try booth.setUpBroker()
      try await booth.record()
      try booth.write("agents:$7$x\n# agent:\nAgent:$7$x\n", to: "passwd")
      let checked = try await booth.check()
      #expect(checked.names == ["error broker-accounts"])
      let mend = try checked.line("broker-accounts").mend
      #expect(mend == "run: mosquitto_passwd \(booth.path("passwd")) agent")
    }
  }

  @Test func `a broker's configuration that is named has to be there`() async throws {
    try await Booth.open(.rebasedJSONRPC) { booth in
      let outcome = try await booth.paywall("check", "--broker-config", "/nowhere/mosquitto.conf")
      #expect(outcome.code == 1)
      #expect(outcome.output.contains(#""check":"broker-configuration""#))
    }
  }

  @Test func `included files are read in the broker's order, and options follow their plugin`()
    throws
  {
    let scratch = try Scratch()
    try FileManager.default.createDirectory(
      atPath: scratch.path("d"), withIntermediateDirectories: false)
    // The second file includes another, which Mosquitto does not follow.
    try scratch.write("plugin_opt_config_file /a.toml\r\n", to: "d/b.conf")
    try scratch.write(
      "plugin /x/mosquitto_paywall.so\r\ninclude_dir \(scratch.path("e"))\n", to: "d/B.conf")
    try scratch.write("plugin /never.so\n", to: "d/c.txt")
    let path = try scratch.write(
      """
      #plugin /commented.so
      plugin_load dynsec /x/dynamic_security.so
      plugin_opt_config_file /dynsec.json
      include_dir \(scratch.path("d"))
      include_dir \(scratch.path("nowhere"))
      """, to: "mosquitto.conf")
    let read = try MosquittoConfiguration(path: path)
    #expect(read.plugins.map(\.path) == ["/x/dynamic_security.so", "/x/mosquitto_paywall.so"])
    #expect(
      read.plugins.map(\.options) == [
        ["config_file": "/dynsec.json"], ["config_file": "/a.toml"],
      ])
    #expect(read.paywalls.map(\.place) == ["\(scratch.path("d"))/B.conf:1"])
    #expect(read.unreadable == [scratch.path("nowhere")])
    #expect(read.isAnonymousAllowed && !read.hasListener)
  }
}
