internal import CMosquitto
internal import Glibc

extension MQTTMessage {
  /// What MQTT 5 says about a message beside its content (MQTT 5.0, section 3.3.2.3).
  public struct Properties: Hashable, Sendable {
    /// The MIME type of the payload, such as `application/json`; nil: none.
    public var contentType: String?
    /// The seconds after which a broker no longer delivers the message; nil: never.
    ///
    /// Received: the seconds that are left.
    public var expiryS: UInt32?

    /// Properties of a message; by default there are none.
    public init(contentType: String? = nil, expiryS: UInt32? = nil) {
      self.contentType = contentType
      self.expiryS = expiryS
    }
  }
}

extension MQTTMessage.Properties {
  /// Reads what a callback of libmosquitto was given; nil is an empty list.
  init(_ list: OpaquePointer?) {
    self.init()
    guard let list else { return }
    var text: UnsafeMutablePointer<CChar>?
    if mosquitto_property_read_string(list, Int32(MQTT_PROP_CONTENT_TYPE.rawValue), &text, false)
      != nil
    {
      contentType = text.map { String(cString: $0) }
      free(text)
    }
    var seconds: UInt32 = 0
    let expiry = Int32(MQTT_PROP_MESSAGE_EXPIRY_INTERVAL.rawValue)
    if mosquitto_property_read_int32(list, expiry, &seconds, false) != nil { expiryS = seconds }
  }

  /// Adds the properties to a list, which the caller frees.
  fileprivate func add(to list: inout OpaquePointer?) -> Int32 {
    if let contentType {
      let status = mosquitto_property_add_string(
        &list, Int32(MQTT_PROP_CONTENT_TYPE.rawValue), contentType)
      guard status == MOSQ_ERR_SUCCESS.rawValue else { return Int32(status) }
    }
    guard let expiryS else { return Int32(MOSQ_ERR_SUCCESS.rawValue) }
    return mosquitto_property_add_int32(
      &list, Int32(MQTT_PROP_MESSAGE_EXPIRY_INTERVAL.rawValue), expiryS)
  }
}

extension Session {
  /// Hands a message to libmosquitto, with its properties where the connection can carry them.
  func publish(_ message: MQTTMessage, id: inout Int32) throws(MQTTError) {
    var list: OpaquePointer?
    defer { mosquitto_property_free_all(&list) }
    if options.protocolVersion == .v5 { try check(message.properties.add(to: &list)) }
    try check(
      mosquitto_publish_v5(
        client, &id, message.topic, Int32(clamping: message.payload.count), message.payload,
        message.qos.rawValue, message.isRetained, list))
  }
}
