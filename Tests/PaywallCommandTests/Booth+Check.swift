import Foundation
import Testing

extension Booth {
  /// A line of `paywall check`.
  struct Line: Decodable, Hashable, Sendable {
    var check: String
    var level: String
    var about: String?
    var text: String
    var mend: String?
  }

  /// What `paywall check` says.
  struct Checked: Sendable {
    var code: Int32
    var lines: [Line]

    /// The lines that are not well.
    var amiss: [Line] { lines.filter { $0.level != "ok" } }

    /// What is amiss, in the fewest words.
    var names: [String] { amiss.map { "\($0.level) \($0.check)" } }

    func line(_ check: String) throws -> Line {
      try #require(lines.first { $0.check == check }, "\(lines)")
    }
  }

  /// Runs `paywall check` beside a broker that is set up well, unless `mosquitto.conf` says otherwise.
  func check() async throws -> Checked {
    let outcome = try await paywall("check", "--broker-config", path("mosquitto.conf"))
    let lines = try #require(
      try? JSONDecoder().decode([Line].self, from: Data(outcome.output.utf8)),
      "\(outcome.output) \(outcome.errors)")
    return Checked(code: outcome.code, lines: lines)
  }

  /// Sets a broker up as the README does.
  func setUpBroker() throws {
    try FileManager.default.createDirectory(
      atPath: path("conf.d"), withIntermediateDirectories: true)
    try write("pid_file /run/m.pid\ninclude_dir \(path("conf.d"))\n", to: "mosquitto.conf")
    try write(
      """
      # The two lines
      plugin \(path("mosquitto_paywall.so"))
      plugin_opt_config_file \(path("paywall.toml"))
      listener 1883
      allow_anonymous true
      password_file \(path("passwd"))

      """, to: "conf.d/paywall.conf")
    try write("", to: "mosquitto_paywall.so")
    try write("agent:$7$101$c2FsdA==$aGFzaA==\n", to: "passwd")
  }

  /// Changes the broker's configuration.
  func replaceInBroker(_ text: String, with other: String) throws {
    let contents = try String(contentsOfFile: path("conf.d/paywall.conf"), encoding: .utf8)
    try #require(contents.contains(text))
    try write(contents.replacing(text, with: other), to: "conf.d/paywall.conf")
  }
}
