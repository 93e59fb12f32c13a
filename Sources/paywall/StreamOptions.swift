import ArgumentParser

/// How messages are written.
struct StreamOptions: ParsableArguments {
  @Flag(name: .shortAndLong, help: "Write the topic before each payload.")
  var verbose = false

  @Flag(help: "Write each message as a JSON object in a line.")
  var json = false

  @Option(name: [.customShort("C"), .long], help: "End after so many messages.")
  var count: Int?

  @Option(
    help: ArgumentHelp(
      "Run a shell command for each message: payload as input, PAYWALL_TOPIC in the environment.",
      valueName: "command"))
  var exec: String?

  func validate() throws {
    guard count ?? 1 > 0 else { throw ValidationError("--count must be more than 0.") }
    guard exec == nil || !(json || verbose) else {
      throw ValidationError("--exec writes nothing itself: leave out --json and --verbose.")
    }
  }
}
