import PaywallCore

/// Something to be published, on its way from the watcher to the main thread.
enum Notice: Sendable {
  /// What is told to anyone from now on.
  case offers([UInt8])
  /// What an account holds; an answer says nothing new, and is for who has just asked.
  case account(Username, payload: [UInt8], isAnswer: Bool)
  /// What configured accounts are told of the plugin's work.
  case metrics(Metrics)
}

/// Something that the main thread wants of the watcher.
enum NoticeRequest: Sendable {
  /// Tell what an account holds, and from now on whenever that changes.
  case watch(Username)
  /// Nobody wants to know any more.
  case forget(Username)
}

/// Notices and requests for them, between the two threads.
final class NoticeExchange: Sendable {
  /// A SUBSCRIBE takes longer than to look at this many.
  private static let limit = 10_000

  let notices = Handover<Notice>(limit: NoticeExchange.limit)
  let requests = Handover<NoticeRequest>(limit: NoticeExchange.limit)
}
