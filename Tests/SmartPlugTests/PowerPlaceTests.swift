import HTTP
import Testing

@testable import SmartPlug

@Suite struct PowerPlaceTests {
  private func read(_ text: String, _ place: PowerPlace) throws(PlugError) -> PowerSample {
    try place.sample(in: Array(text.utf8), from: "plug", atMs: 5)
  }

  private static let power = PowerPlace(pointer: JSONPointer(of: "p"))

  @Test(arguments: [
    (#"{"p":41.4}"#, 41_400), (#"{"p":0}"#, 0), (#"{"p":"41.4"}"#, 41_400),
    (#"{"p":1e3}"#, 1_000_000),
    (#"{"p":[10,20.5,0]}"#, 30_500), (#"{"p":10000}"#, 10_000_000), (#"{"p":-0.0001}"#, 0),
    (#"{"p":0.0004}"#, 0), (#"{"p":0.0006}"#, 1),
  ])
  func `numbers become milliwatts`(text: String, expected: Int) throws {
    #expect(try read(text, Self.power).milliwatts == expected)
  }

  @Test(arguments: [
    ("", PlugError.Kind.unreadable), ("<html><body>hi</body></html>", .unreadable),
    (#"{"p":4"#, .unreadable), (#"{"p":NaN}"#, .unreadable), (#"{"p":Infinity}"#, .unreadable),
    (#"{"p":"nan"}"#, .unreadable), (#"{"p":"inf"}"#, .unreadable), (#"{"p":"0x10"}"#, .unreadable),
    (#"{"p":"unavailable"}"#, .unreadable), (#"{"p":""}"#, .unreadable),
    (#"{"p":null}"#, .unreadable),
    (#"{"p":true}"#, .unreadable), (#"{"p":[]}"#, .unreadable), (#"{"p":[1,[2]]}"#, .unreadable),
    (#"{"p":[1,null]}"#, .unreadable), (#"{"p":{"a":1}}"#, .unreadable), (#"{"q":1}"#, .unreadable),
    (#"{"p":-1}"#, .implausible), (#"{"p":10000.1}"#, .implausible),
    (#"{"p":1e308}"#, .implausible),
    (#"{"p":[1e308,1e308]}"#, .implausible), (#"{"p":99999999999999999999}"#, .implausible),
    (#"{"p":"1e400"}"#, .implausible),
  ])
  func `what is no power is an error that says why`(text: String, kind: PlugError.Kind) {
    let error = #expect(throws: PlugError.self) { try read(text, Self.power) }
    #expect(error?.kind == kind)
    #expect(error?.description.hasPrefix("plug") == true && error?.description.last == ".")
  }

  @Test func `JSON that is nested without end is refused without a stack`() {
    let text = String(repeating: "[", count: 60_000)
    #expect(throws: PlugError.self) { try read(text, PowerPlace(pointer: JSONPointer(of: "x"))) }
  }

  @Test func `the text of an error fits in a line and is no longer than needed`() {
    let text = "<html>\r\n\u{1B}[31m" + String(repeating: "x", count: 5000)
    let error = #expect(throws: PlugError.self) { try read(text, Self.power) }
    let description = error?.description ?? ""
    #expect(description.count < 200 && !description.contains("\n"))
    #expect(!description.contains("\u{1B}"))
  }

  @Test func `units, scales and whether it is valid`() throws {
    var place = PowerPlace(pointer: JSONPointer(of: "p"), wattsPerUnit: 0.001)
    #expect(try read(#"{"p":41400}"#, place).milliwatts == 41_400)
    place.unitPointer = JSONPointer(of: "unit")
    #expect(try read(#"{"p":0.0414,"unit":"kW"}"#, place).milliwatts == 41_400)
    #expect(try read(#"{"p":41.4,"unit":"W"}"#, place).milliwatts == 41_400)
    #expect(throws: PlugError.self) { try read(#"{"p":41.4,"unit":"BTU/h"}"#, place) }
    place = Self.power
    place.validityPointer = JSONPointer(of: "ok")
    #expect(try read(#"{"p":1,"ok":true}"#, place).milliwatts == 1000)
    #expect(throws: PlugError.self) { try read(#"{"p":1,"ok":false}"#, place) }
    #expect(throws: PlugError.self) { try read(#"{"p":1}"#, place) }
    place = Self.power
    place.switchPointer = JSONPointer(of: "on")
    #expect(try read(#"{"p":0,"on":false}"#, place).state == .off)
    #expect(try read(#"{"p":0,"on":1}"#, place).state == .on)
    #expect(try read(#"{"p":0}"#, place).state == nil)
  }
}
