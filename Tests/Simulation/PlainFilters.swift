/// Whether a topic matches a filter, level by level.
func plainlyMatches(_ filter: String, _ topic: String) -> Bool {
  matched[filter]?.contains(topic) ?? matches(filter, topic)
}

private func matches(_ filter: String, _ topic: String) -> Bool {
  if topic.hasPrefix("$"), !filter.hasPrefix("$") { return false }
  let names = topic.split(separator: "/", omittingEmptySubsequences: false)
  let levels = filter.split(separator: "/", omittingEmptySubsequences: false)
  for (depth, level) in levels.enumerated() {
    if level == "#" { return true }
    guard depth < names.count, level == "+" || level == names[depth] else { return false }
  }
  return levels.count == names.count
}

/// The topics that match each filter, worked out once.
private let matched: [String: Set<String>] = {
  let topics = World.topics + PlainAccess.samples
  let sold = PlainOffers.names.map { "s/\($0)" }
  return Dictionary(
    uniqueKeysWithValues: Set(World.filters + sold + ["s/#", "free/1"]).map { filter in
      (filter, Set(topics.filter { matches(filter, $0) }))
    })
}()
