internal import CCurl

/// One request on its way through libcurl: an easy handle, what it sends and what it has received.
final class Transfer {
  let handle: UnsafeMutableRawPointer
  private let request: HTTPRequest
  private let url: ShownURL
  private let answer: Answer
  private let errorText: UnsafeMutablePointer<CChar>
  private var headerList: UnsafeMutablePointer<curl_slist>?

  init(_ request: HTTPRequest, url: ShownURL) throws(HTTPError) {
    try request.check(shownAs: url)
    guard let handle = curl_easy_init() else {
      throw HTTPError(
        code: .unavailable, url: url.description,
        reason: "libcurl has no memory left for a request")
    }
    self.handle = handle
    self.request = request
    self.url = url
    answer = Answer(maximumBodyBytes: max(0, request.maximumBodyBytes))
    errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
    errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    guard setLimits(), setRequest(), setAnswer() else { throw failure(.unavailable) }
  }

  deinit {
    curl_easy_cleanup(handle)
    curl_slist_free_all(headerList)
    errorText.deallocate()
  }

  /// The answer, or the failure that libcurl's result stands for.
  func response(after result: CURLcode) throws(HTTPError) -> HTTPResponse {
    guard result == CURLE_OK else {
      var error = failure(answer.isTooLarge ? .tooLarge : HTTPError.Code(result))
      var connectTimeUs: curl_off_t = 0
      _ = paywall_curl_get_size(handle, CURLINFO_CONNECT_TIME_T, &connectTimeUs)
      error.wasConnected = connectTimeUs > 0
      throw error
    }
    var status = 0
    _ = paywall_curl_get_long(handle, CURLINFO_RESPONSE_CODE, &status)
    return HTTPResponse(status: status, headers: answer.headers, body: answer.body)
  }

  /// An error of the given kind, in words.
  func failure(_ code: HTTPError.Code) -> HTTPError {
    let reason =
      switch code {
      case .timeout:
        "no complete answer within \(request.timeoutMs) ms, of which \(request.connectTimeoutMs) ms"
          + " to connect"
      case .cancelled: "the request was cancelled"
      case .cannotConnect: "cannot connect; is the address right, the server running? (\(detail))"
      case .cannotResolve: "the host's or proxy's name cannot be resolved (\(detail))"
      case .tls: "no trusted TLS connection (\(detail))"
      case .tooLarge: "the answer is larger than the \(request.maximumBodyBytes) bytes accepted"
      case .connectionLost: "the connection broke before the answer was complete (\(detail))"
      case .protocolError: "the answer is not valid HTTP (\(detail))"
      case .badURL: "not a valid URL; correct it (\(detail))"
      default: "the request could not be made (\(detail))"
      }
    return HTTPError(code: code, url: url.description, reason: reason)
  }

  private var detail: String {
    let text = String(cString: errorText)
    return text.isEmpty ? "no further detail" : url.hidingSecrets(in: text)
  }

  private func setLimits() -> Bool {
    set(CURLOPT_NOSIGNAL, 1)
      // A name that is being resolved is left to its thread, not waited for.
      && set(CURLOPT_QUICK_EXIT, 1)
      && set(CURLOPT_TIMEOUT_MS, min(max(1, request.timeoutMs), 1 << 30))
      && set(CURLOPT_CONNECTTIMEOUT_MS, min(max(1, request.connectTimeoutMs), 1 << 30))
      && set(CURLOPT_TCP_KEEPALIVE, 1)
      && set(CURLOPT_FORBID_REUSE, request.keepsAlive ? 0 : 1)
      && set(CURLOPT_PROTOCOLS_STR, "http,https")
      && request.trustedCertificatesPath.map { set(CURLOPT_CAINFO, $0) } ?? true
  }

  private func setRequest() -> Bool {
    guard set(CURLOPT_URL, request.url), set(CURLOPT_ACCEPT_ENCODING, ""), setHeaders(),
      request.login?.set(on: handle) ?? true
    else { return false }
    guard request.method == .post else { return set(CURLOPT_HTTPGET, 1) }
    return paywall_curl_set_size(
      handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(request.body.count)) == CURLE_OK
      && request.body.withUnsafeBytes { body in
        // libcurl copies; an empty body has no address of its own.
        body.baseAddress.map {
          paywall_curl_set_pointer(
            handle, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: $0)) == CURLE_OK
        } ?? set(CURLOPT_COPYPOSTFIELDS, "")
      }
  }

  private func setHeaders() -> Bool {
    // libcurl's own "Expect: 100-continue" costs a second with servers that ignore it, and its
    // content type for POST is that of a form.
    var lines = ["Expect:"]
    if !request.headers.contains(where: { $0.name.lowercased() == "content-type" }) {
      lines.append("Content-Type:")
    }
    lines += request.headers.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
    for line in lines {
      guard let list = curl_slist_append(headerList, line) else { return false }
      headerList = list
    }
    return paywall_curl_set_list(handle, CURLOPT_HTTPHEADER, headerList) == CURLE_OK
  }

  private func setAnswer() -> Bool {
    let context = Unmanaged.passUnretained(answer).toOpaque()
    return paywall_curl_set_pointer(handle, CURLOPT_ERRORBUFFER, errorText) == CURLE_OK
      && set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
      && paywall_curl_set_size(
        handle, CURLOPT_MAXFILESIZE_LARGE, curl_off_t(max(1, answer.maximumBodyBytes))) == CURLE_OK
      && paywall_curl_set_pointer(handle, CURLOPT_WRITEDATA, context) == CURLE_OK
      && paywall_curl_set_pointer(handle, CURLOPT_HEADERDATA, context) == CURLE_OK
      && paywall_curl_set_write(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
        Answer.take(bytes, size &* count, context) { $0.append(body: $1) }
      } == CURLE_OK
      && paywall_curl_set_write(handle, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
        Answer.take(bytes, size &* count, context) { $0.append(headerLine: $1) }
      } == CURLE_OK
  }

  private func set(_ option: CURLoption, _ value: Int) -> Bool {
    paywall_curl_set_long(handle, option, value) == CURLE_OK
  }

  private func set(_ option: CURLoption, _ value: String) -> Bool {
    paywall_curl_set_string(handle, option, value) == CURLE_OK
  }
}

extension HTTPRequest {
  /// Refuses what libcurl would guess at or cut off.
  fileprivate func check(shownAs shownURL: ShownURL) throws(HTTPError) {
    // libcurl would guess a missing scheme, and reads up to the first zero byte.
    let start = url.prefix(8).lowercased()
    guard start.hasPrefix("http://") || start.hasPrefix("https://"),
      url.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F })
    else {
      throw HTTPError(
        code: .badURL, url: shownURL.description,
        reason: "not an absolute URL; write http:// or https://, host and path without spaces")
    }
    for header in headers {
      guard !header.name.isEmpty, header.name.utf8.allSatisfy(Self.isTokenByte),
        header.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 })
      else {
        throw HTTPError(
          code: .badHeader, url: shownURL.description,
          reason: "a header field has an invalid name or a control character in its value")
      }
    }
  }

  // https://www.rfc-editor.org/rfc/rfc9110#name-tokens
  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }
}

extension HTTPError.Code {
  /// The kind of failure that a result of libcurl stands for.
  ///
  /// Source: https://curl.se/libcurl/c/libcurl-errors.html
  fileprivate init(_ result: CURLcode) {
    self =
      switch result {
      case CURLE_OPERATION_TIMEDOUT: .timeout
      case CURLE_COULDNT_CONNECT, CURLE_INTERFACE_FAILED: .cannotConnect
      case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .cannotResolve
      case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE,
        CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_ENGINE_NOTFOUND,
        CURLE_SSL_ENGINE_SETFAILED, CURLE_SSL_ENGINE_INITFAILED, CURLE_SSL_INVALIDCERTSTATUS:
        .tls
      case CURLE_FILESIZE_EXCEEDED: .tooLarge
      case CURLE_URL_MALFORMAT: .badURL
      case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING:
        .connectionLost
      // libcurl calls HTTP/0.9, which is any text at all, an unsupported protocol.
      case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING,
        CURLE_HTTP2, CURLE_HTTP2_STREAM, CURLE_PROXY:
        .protocolError
      default: .unavailable
      }
  }
}
