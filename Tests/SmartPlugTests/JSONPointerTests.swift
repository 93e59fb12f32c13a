import HTTP
import Testing

@testable import SmartPlug

@Suite struct JSONPointerTests {
  /// The document and the pointers of RFC 6901, section 5.
  static let document = #"""
    {"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}
    """#

  @Test(arguments: [
    ("/foo/0", JSONValue.string("bar")), ("/", 0), ("/a~1b", 1), ("/c%d", 2), ("/e^f", 3),
    ("/g|h", 4), ("/i\\j", 5), ("/k\"l", 6), ("/ ", 7), ("/m~0n", 8),
    ("/foo", .array(["bar", "baz"])),
  ])
  func `the pointers of the standard find what it says`(text: String, expected: JSONValue) throws {
    let document = try #require(JSONValue.read(Array(Self.document.utf8)))
    #expect(try #require(JSONPointer(text)).value(in: document) == expected)
    #expect(try #require(JSONPointer("")).value(in: document) == document)
  }

  @Test(arguments: [
    "/foo/2", "/foo/-", "/foo/01", "/foo/-1", "/foo/+0", "/foo/x", "/x", "/foo/0/0",
  ])
  func `where there is nothing, nothing is found`(text: String) throws {
    let document = try #require(JSONValue.read(Array(Self.document.utf8)))
    #expect(try #require(JSONPointer(text)).value(in: document) == nil)
  }

  @Test(arguments: ["foo", "/a~", "/a~2", "#/foo", " /foo"])
  func `what is no pointer is none`(text: String) {
    #expect(JSONPointer(text) == nil)
  }

  @Test func `~01 is a tilde and a one, not a slash`() throws {
    #expect(try #require(JSONPointer("/~01")).value(in: ["~1": 5]) == 5)
    #expect(JSONPointer(of: "a/b", "~1").description == "/a~1b/~01")
    #expect(
      JSONPointer(JSONPointer(of: "a/b", "~1").description)?.value(in: ["a/b": ["~1": 5]]) == 5)
  }
}
