/// The topics on which a broker tells about itself; its clients can publish to none of them.
public enum SystemTopic {
  /// Under which all of them are; numbers about the plugin's work too, for configured accounts.
  public static let root = "$SYS/paywall"
  /// Where to pay and what is sold, for anyone; retained.
  public static let offers = "$SYS/paywall/offers"
  /// A key to seal a memo with, for the one client that subscribed.
  public static let key = "$SYS/paywall/key"
  /// What the client's account holds, for the one client that subscribed; again at each change.
  public static let account = "$SYS/paywall/account"
}
