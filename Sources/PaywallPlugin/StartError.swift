/// Why the plugin does not start: one sentence that says what to change.
struct StartError: Error, Hashable, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}
