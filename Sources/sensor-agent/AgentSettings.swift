import PaywallCore
import SmartPlug

/// All that the agent can be told, by file or by flags.
struct AgentSettings: Equatable {
  var broker = BrokerSettings()
  var plugs: [PlugSettings] = []

  /// Checks what one value alone does not show.
  /// - Throws: the first thing that is wrong.
  func check() throws(AgentError) {
    guard !plugs.isEmpty, plugs.allSatisfy({ $0.source != nil }) else {
      throw AgentError(
        "No plug is given; name one by --plug http://192.168.1.20:49153, or by url in [[plug]].")
    }
    for plug in plugs { try plug.check() }
    let names = plugs.map { $0.name ?? "" }
    guard plugs.count == 1 || !names.contains("") && Set(names).count == names.count else {
      throw AgentError("With several plugs, each [[plug]] needs a name of its own.")
    }
    var topics = plugs.flatMap(\.topics)
    if plugs.count > 1 { topics.append(broker.agentTopic) }
    for topic in topics where !Self.isTopic(topic) {
      throw AgentError(
        "\"\(topic)\" is no topic to publish to; it needs 1 to 65535 bytes without +, # and control "
          + "characters, and at most \(TopicFilter.slashLimit) slashes.")
    }
    guard Set(topics.map { Array($0.utf8) }).count == topics.count else {
      throw AgentError(
        "The topics \(topics.joined(separator: ", ")) must differ from each other.")
    }
  }

  /// The topic that says whether the agent is there: the will of its connection.
  ///
  /// MQTT knows one will for a connection, so with several plugs it is a topic of the agent's own.
  var willTopic: String {
    plugs.count == 1 ? plugs.first?.statusTopic ?? broker.agentTopic : broker.agentTopic
  }

  private static func isTopic(_ topic: String) -> Bool {
    topic.isTopicFilter
      && !topic.utf8.contains { [UInt8(ascii: "+"), UInt8(ascii: "#")].contains($0) }
  }
}

extension String {
  /// Whether it is a filter by MQTT 5.0, section 4.7, of characters that Mosquitto takes.
  fileprivate var isTopicFilter: Bool {
    TopicFilter(self) != nil
      && !unicodeScalars.contains(where: \.isRefusedByMosquitto)
  }
}

extension PlugSettings {
  fileprivate func check() throws(AgentError) {
    if let name {
      guard (1...64).contains(name.utf8.count), name.allSatisfy(Self.isWordCharacter) else {
        throw AgentError(
          "The plug's name \"\(name)\" must be 1 to 64 letters, digits, _ and - of ASCII.")
      }
    }
    guard silenceMs > intervalMs else {
      throw AgentError(
        "silence_ms (\(silenceMs)) must be more than interval_ms (\(intervalMs)), "
          + "or the plug is offline between two readings.")
    }
    if case .mqtt(let topic, _, _) = source, !topic.isTopicFilter {
      throw AgentError(
        "\"\(topic)\" is no topic to read; in it + fills a whole level, and # the last one.")
    }
    guard case .preset(let preset, _) = source, intervalMs < preset.minimumIntervalMs else {
      return
    }
    throw AgentError(
      "interval_ms (\(intervalMs)) must be at least \(preset.minimumIntervalMs) for "
        + "\(preset.rawValue), whose maker asks for it.")
  }
}
