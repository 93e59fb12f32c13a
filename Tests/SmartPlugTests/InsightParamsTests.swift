import Testing

@testable import SmartPlug

@Suite struct InsightParamsTests {
  /// Samples of real plugs, and what they say.
  static let real: [(String, PowerSample.State, Int)] = [
    ("0|1611532924|231|300|183183|1209600|8|0|1164707|99830512.000000|8000", .off, 0),
    ("1|1611532924|231|300|183183|1209600|8|41400|1164707|99830512.000000|8000", .on, 41_400),
    ("8|1611532924|231|300|183183|1209600|8|1190|1164707|99830512.000000|8000", .standby, 1190),
    // Just switched off: the old power stays for a while.
    ("0|1611532924|231|300|183183|1209600|8|1170|1164707|99830512.000000|8000", .off, 0),
    // Ten fields, as in BinaryState.
    ("1|1492338954|0|922|14195|1209600|0|940670|15213709|227088884", .on, 940_670),
    // After a reset.
    ("1|0|0|0|0|0|0|410|0|0.000000|9500", .on, 410),
    // Field 6 has been seen to hold a signal strength, and later firmware may add fields.
    ("1|1|2|3|4|5|-57|642585|0|0.000000|2690|0|0", .on, 642_585),
    (" 1 |1|2|3|4|5|6|\r\n7249.5|8|9|8000\r\n", .on, 7250),
    ("1|1|2|3|4|5|6|10000000|8|9|8000", .on, 10_000_000),
  ]

  @Test(arguments: real)
  func `a real sample is read`(text: String, state: PowerSample.State, milliwatts: Int) throws {
    let params = try InsightParams(text)
    #expect(params.state == state && params.milliwatts == milliwatts)
  }

  @Test(arguments: [
    "", "1", "|", "||||||||||", "1|2|3|4|5", "1|1|2|3|4|5|6|41400|8",
    "2|1|2|3|4|5|6|41400|8|9|8000", "on|1|2|3|4|5|6|41400|8|9|8000",
    "1|1|2|3|4|5|6|nan|8|9|8000", "1|1|2|3|4|5|6|inf|8|9|8000", "1|1|2|3|4|5|6|4e4|8|9|8000",
    "1|1|2|3|4|5|6|0x10|8|9|8000", "1|1|2|3|4|5|6||8|9|8000", "1|1|2|3|4|5|6|1.2.3|8|9|8000",
    "1|1|2|3|4|5|6|41 400|8|9|8000", "1|1|2|3|4|5|6|.5|8|9|8000", "1|1|2|3|4|5|6|5.|8|9|8000",
    "1|x|2|3|4|5|6|41400|8|9|8000", "1|1|2|3|4|5|6|41400|8|9|nan", "1|1|2|3|4|5|6|٤١|8|9|8000",
  ])
  func `what is no sample is refused as unreadable`(text: String) {
    let failure = #expect(throws: InsightParams.Failure.self) { try InsightParams(text) }
    #expect(failure?.kind == .unreadable)
  }

  @Test(arguments: [
    "-41400", "10000001", "9223372036854775807", "9223372036854775807.9",
    "99999999999999999999999999",
  ])
  func `a power that cannot be is refused as implausible`(power: String) {
    let failure = #expect(throws: InsightParams.Failure.self) {
      try InsightParams("1|1|2|3|4|5|6|\(power)|8|9|8000")
    }
    #expect(failure?.kind == .implausible)
    #expect(failure?.reason.contains(power) == true)
  }
}
