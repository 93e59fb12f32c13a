import Testing

@testable import DevPlug

@Suite struct FaultTests {
  @Test func `every listed name is read and written alike`() throws {
    for name in Fault.names.map({ $0.replacing(":MS", with: ":1500") }) {
      #expect(try Fault(name).name == name)
    }
    #expect(Fault.refused(ms: nil).name == "refused")
  }

  @Test(arguments: [
    "", "slow", "slow:", "slow:0", "slow:-1", "slow:3600001", "slow:99999999999999999999",
    "refused", "wedged:1", "nonsense", "slow:1:2",
  ])
  func `anything else is an error that lists them`(name: String) {
    let error = #expect(throws: DevPlugError.self) { try Fault(name) }
    #expect(error?.description.contains("entity-bomb") == true)
  }
}
