/// Why the agent cannot start: one sentence that says what to change.
struct AgentError: Error, Hashable, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
