public import Configuration
import Foundation

/// Reads `paywall.toml`.
public enum ConfigurationFile {
  /// More than any sane configuration; a wrong path may name something endless.
  private static let limitBytes = 1 << 20

  /// Reads a configuration.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - option: What has named the file, for errors.
  /// - Returns: What it says.
  /// - Throws: `StartError` where it cannot be read, `TOMLError` with file, line and key where it
  ///   makes no sense.
  public static func load(
    path: String, namedBy option: String = "plugin_opt_config_file"
  ) throws -> PaywallConfiguration {
    guard !path.isEmpty else {
      throw StartError(
        "no configuration; add a line to mosquitto.conf below the plugin line: "
          + "plugin_opt_config_file /etc/mosquitto/paywall.toml")
    }
    guard let file = FileHandle(forReadingAtPath: path) else {
      let reason = String(cString: strerror(errno))
      throw StartError(
        "\(path) cannot be read (\(reason)); \(option) has to name a file that the "
          + "broker's user may read")
    }
    defer { try? file.close() }
    let contents: Data
    do {
      contents = try file.read(upToCount: limitBytes + 1) ?? Data()
    } catch {
      throw StartError("\(path) cannot be read; \(option) has to name a file")
    }
    guard contents.count <= limitBytes, let text = String(validating: contents, as: UTF8.self)
    else { throw StartError("\(path) is no TOML file: it is not UTF-8, or larger than 1 MiB") }
    return try PaywallConfiguration.parse(text, path: path)
  }
}
