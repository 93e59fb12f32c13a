internal import CCurl

/// libcurl's multi handle, which keeps the connections.
///
/// Unchecked, because the client's lock lets one thread at a time use it, and
/// `curl_multi_wakeup` is the one call allowed from others
/// (https://curl.se/libcurl/c/curl_multi_wakeup.html).
final class CurlMulti: @unchecked Sendable {
  private static let isReady =
    curl_global_init(Int(CURL_GLOBAL_SSL | CURL_GLOBAL_WIN32)) == CURLE_OK
  private let handle: UnsafeMutableRawPointer

  init?() {
    guard Self.isReady, let handle = curl_multi_init() else { return nil }
    self.handle = handle
  }

  deinit {
    curl_multi_cleanup(handle)
  }

  func add(_ easy: UnsafeMutableRawPointer) -> Bool {
    curl_multi_add_handle(handle, easy) == CURLM_OK
  }

  func remove(_ easy: UnsafeMutableRawPointer) {
    curl_multi_remove_handle(handle, easy)
  }

  func perform() -> Bool {
    var running: Int32 = 0
    return curl_multi_perform(handle, &running) == CURLM_OK
  }

  func wait(timeoutMs: Int32) -> Bool {
    curl_multi_poll(handle, nil, 0, timeoutMs, nil) == CURLM_OK
  }

  func wakeUp() {
    curl_multi_wakeup(handle)
  }

  /// The result of the one transfer, once it has ended.
  func result() -> CURLcode? {
    var left: Int32 = 0
    while let message = curl_multi_info_read(handle, &left) {
      if message.pointee.msg == CURLMSG_DONE { return message.pointee.data.result }
    }
    return nil
  }
}
