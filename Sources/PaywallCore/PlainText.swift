extension UInt8 {
  /// Whether it is a letter, a digit or one of `- . _` in ASCII, which mean nothing else to MQTT, and
  /// nothing in a URL (RFC 3986, section 2.3).
  public var isPlain: Bool {
    switch self {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "_"):
      true
    default: false
    }
  }
}

extension Unicode.Scalar {
  /// Whether Mosquitto refuses it in names and topics, as MQTT 5.0, section 1.5.4, lets it do.
  ///
  /// It is a control character, or what Unicode holds to be no character.
  public var isRefusedByMosquitto: Bool {
    properties.generalCategory == .control || properties.isNoncharacterCodePoint
  }
}
