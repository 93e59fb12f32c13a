internal import CExpat

/// The elements of a small XML document, read by Expat.
struct XMLDocument {
  struct Element: Equatable {
    /// Without a namespace prefix: plugs put their answers into the wrong namespace.
    var name: String
    /// The text directly inside, without that of elements within.
    var text = ""
  }

  /// Why a document is not read.
  struct Failure: Error, Equatable {
    let reason: String
  }

  static let maximumElements = 2000
  static let maximumDepth = 32

  /// In the order of their start tags.
  let elements: [Element]

  /// The text of the first element of a name.
  func text(of name: String) -> String? { elements.first { $0.name == name }?.text }

  /// Reads a document.
  ///
  /// A document type declaration is refused, and with it entities of its own: no plug sends one
  /// (SOAP 1.1, section 3, forbids it), and it is the door to entity bombs and outside files.
  init(_ bytes: [UInt8]) throws(Failure) {
    guard let parser = XML_ParserCreate(nil), let count = Int32(exactly: bytes.count) else {
      throw Failure(reason: "it cannot be parsed")
    }
    defer { XML_ParserFree(parser) }
    let collector = Collector(parser: parser)
    // Expat hands the collector back as a bare pointer; it must outlive the parsing.
    let status = withExtendedLifetime(collector) {
      Self.connect(parser, to: collector)
      return bytes.withUnsafeBytes {
        XML_Parse(parser, $0.bindMemory(to: CChar.self).baseAddress, count, 1)
      }
    }
    guard status == XML_STATUS_OK else {
      throw Failure(reason: collector.refusal ?? Self.reason(of: parser))
    }
    elements = collector.elements
  }

  private static func connect(_ parser: XML_Parser, to collector: Collector) {
    XML_SetUserData(parser, Unmanaged.passUnretained(collector).toOpaque())
    XML_SetElementHandler(
      parser,
      { context, name, _ in Collector.from(context)?.start(name) },
      { context, _ in Collector.from(context)?.end() })
    XML_SetCharacterDataHandler(
      parser, { context, text, length in Collector.from(context)?.add(text, length) })
    XML_SetStartDoctypeDeclHandler(
      parser,
      { context, _, _, _, _ in
        Collector.from(context)?.refuse("it declares a document type, which no plug does")
      })
  }

  private static func reason(of parser: XML_Parser) -> String {
    let text = XML_ErrorString(XML_GetErrorCode(parser)).map { String(cString: $0) }
    return "\(text ?? "it is not well-formed") in line \(XML_GetCurrentLineNumber(parser))"
  }
}

/// Collects what Expat reports.
private final class Collector {
  private let parser: XML_Parser
  /// Indexes of the elements that are open.
  private var open: [Int] = []
  private(set) var elements: [XMLDocument.Element] = []
  private(set) var refusal: String?

  init(parser: XML_Parser) { self.parser = parser }

  static func from(_ context: UnsafeMutableRawPointer?) -> Collector? {
    context.map { Unmanaged<Collector>.fromOpaque($0).takeUnretainedValue() }
  }

  func start(_ name: UnsafePointer<XML_Char>?) {
    guard let name, elements.count < XMLDocument.maximumElements,
      open.count < XMLDocument.maximumDepth
    else { return refuse("it has more elements than any plug's answer") }
    let local = String(cString: name).split(separator: ":").last.map(String.init) ?? ""
    open.append(elements.count)
    elements.append(XMLDocument.Element(name: local))
  }

  func end() { _ = open.popLast() }

  func add(_ text: UnsafePointer<XML_Char>?, _ length: Int32) {
    guard let text, let index = open.last else { return }
    let bytes = UnsafeRawBufferPointer(start: text, count: Int(length))
    elements[index].text += String(decoding: bytes, as: UTF8.self)
  }

  func refuse(_ reason: String) {
    refusal = refusal ?? reason
    XML_StopParser(parser, XML_Bool(0))
  }
}
