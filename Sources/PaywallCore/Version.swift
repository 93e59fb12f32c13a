/// Which Mosquitto Paywall this is.
public enum Version {
  /// The version, as semver.org has it.
  public static let current = "0.9.0"
}
