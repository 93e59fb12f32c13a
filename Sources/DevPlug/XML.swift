import CExpat

/// What the plug needs of XML: the names and texts of a request, and escaping for its answers.
enum XML {
  struct Element: Equatable {
    /// Without a namespace prefix.
    var name: String
    var depth: Int
    var text: String
  }

  static func escape(_ text: String) -> String {
    var escaped = ""
    for character in text {
      switch character {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      default: escaped.append(character)
      }
    }
    return escaped
  }

  /// The elements of a document in the order of their start tags, or nil when it is not
  /// well-formed, or has a document type declaration (SOAP 1.1, section 3, forbids one).
  static func elements(of document: [UInt8]) -> [Element]? {
    guard let parser = XML_ParserCreate(nil) else { return nil }
    defer { XML_ParserFree(parser) }
    let collector = Collector(parser: parser)
    // Expat's callbacks get the collector as a bare pointer; it lives until the parser is done.
    return withExtendedLifetime(collector) {
      XML_SetUserData(parser, Unmanaged.passUnretained(collector).toOpaque())
      XML_SetElementHandler(
        parser,
        { context, name, _ in Collector.from(context)?.start(name) },
        { context, _ in Collector.from(context)?.end() })
      XML_SetCharacterDataHandler(
        parser, { context, text, length in Collector.from(context)?.text(text, length) })
      XML_SetStartDoctypeDeclHandler(
        parser, { context, _, _, _, _ in Collector.from(context)?.refuse() })
      let status = document.withUnsafeBytes { bytes in
        XML_Parse(
          parser, bytes.bindMemory(to: CChar.self).baseAddress, Int32(bytes.count), 1)
      }
      return status == XML_STATUS_OK ? collector.elements : nil
    }
  }
}

/// Collects what Expat reports.
private final class Collector {
  private let parser: XML_Parser
  private var open: [Int] = []
  private(set) var elements: [XML.Element] = []

  init(parser: XML_Parser) { self.parser = parser }

  static func from(_ context: UnsafeMutableRawPointer?) -> Collector? {
    context.map { Unmanaged<Collector>.fromOpaque($0).takeUnretainedValue() }
  }

  func start(_ name: UnsafePointer<XML_Char>?) {
    guard let name, elements.count < 100 else { return refuse() }
    let local = String(cString: name).split(separator: ":").last.map(String.init) ?? ""
    elements.append(XML.Element(name: local, depth: open.count, text: ""))
    open.append(elements.count - 1)
  }

  func end() { _ = open.popLast() }

  func text(_ text: UnsafePointer<XML_Char>?, _ length: Int32) {
    guard let text, let index = open.last else { return }
    let bytes = UnsafeRawBufferPointer(start: text, count: Int(length))
    elements[index].text += String(decoding: bytes, as: UTF8.self)
  }

  func refuse() { XML_StopParser(parser, XML_Bool(0)) }
}
