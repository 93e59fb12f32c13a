/// The plug's answers to SOAP requests (UPnP Device Architecture 1.0, section 3).
///
/// As the real device, it answers in the namespace of metainfo, mixes line ends, and has no XML
/// declaration.
enum ControlPoint {
  /// The action that a request asks for and its arguments, or nil when it is no valid request.
  static func action(
    of request: WebRequest
  ) -> (service: Service, name: String, arguments: [String: String])? {
    guard let service = Service.all.first(where: { $0.controlPath == request.path }),
      let header = request.headers["soapaction"],
      header.hasPrefix("\"\(service.type)#"), header.hasSuffix("\""),
      let elements = XML.elements(of: request.body),
      elements.count >= 3, elements[0].name == "Envelope", elements[1].name == "Body"
    else { return nil }
    let name = elements[2].name
    guard header == "\"\(service.type)#\(name)\"" else { return nil }
    let arguments = elements.dropFirst(3).filter { $0.depth == 3 }.map { ($0.name, $0.text) }
    return (service, name, Dictionary(arguments) { first, _ in first })
  }

  static func response(
    to action: String, argument: String, value: String,
    namespace: String = "urn:Belkin:service:metainfo:1"
  ) -> String {
    envelope(
      "<u:\(action)Response xmlns:u=\"\(namespace)\">\r\n"
        + "<\(argument)>\(XML.escape(value))</\(argument)>\r\n</u:\(action)Response>\r\n")
  }

  static func fault(code: Int, description: String) -> WebAnswer {
    let body = envelope(
      "<s:Fault>\n<faultcode>s:Client</faultcode>\n<faultstring>UPnPError</faultstring>\n"
        + "<detail>\n<UPnPError xmlns=\"urn:schemas-upnp-org:control-1-0\">\n"
        + "<errorCode>\(code)</errorCode>\n<errorDescription>\(description)</errorDescription>\n"
        + "</UPnPError>\n</detail>\n</s:Fault>\n")
    return WebAnswer(status: "500 Internal Server Error", text: body)
  }

  private static func envelope(_ body: String) -> String {
    "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
      + "s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>\n"
      + body + "</s:Body> </s:Envelope>"
  }
}
