import Configuration
import DevTangle
import Foundation
import PaywallCore
import TestSupport
import Testing

@testable import paywall

/// `paywall check`: a set-up that is well passes, and each defect has a line of its own.
@Suite(.timeLimit(.minutes(5))) struct CheckTests {
  @Test(arguments: PaywallConfiguration.TangleProtocol.allCases)
  func `a set-up that is well passes`(protocol: PaywallConfiguration.TangleProtocol) async throws {
    try await Booth.open(`protocol`) { booth in
      try booth.setUpBroker()
      try await booth.pay(20_000_000, #"{"username":"johndoe"}"#)
      try await booth.record()
      let checked = try await booth.check()
      #expect(checked.amiss == [])
      #expect(checked.code == 0)
      let node = try checked.line("node")
      #expect(node.text.contains(booth.networkName) && node.text.contains(" ms"))
      #expect(try checked.line("reading").text.contains("checkpoint"))
      let names = Set(checked.lines.map(\.check))
      let expected: Set = [
        "configuration", "ledger", "ledger-space", "secret", "node", "clock", "agree", "broker",
        "reading", "unclaimed", "offers", "broker-plugin", "broker-anonymous", "broker-accounts",
      ]
      #expect(expected.isSubset(of: names), "\(names)")
    }
  }

  @Test func `before the first start nothing is wrong`() async throws {
    try await Booth.open(.rebasedJSONRPC) { booth in
      try booth.setUpBroker()
      let checked = try await booth.check()
      #expect(checked.names == ["warning ledger"])
      #expect(checked.code == 0)
      let files = try FileManager.default.contentsOfDirectory(atPath: booth.folder)
      #expect(!files.contains { $0.hasPrefix("paywall.db") || $0 == "paywall.key" }, "\(files)")
    }
  }

  @Test func `a mistake in the configuration is told with file, line and key`() async throws {
    try await Booth.open(.rebasedJSONRPC) { booth in
      try booth.setUpBroker()
      try booth.replace(#"per = "1s""#, with: #"per = "1 lightyear""#)
      let checked = try await booth.check()
      #expect(checked.names == ["error configuration"] && checked.code == 1)
      let text = try checked.line("configuration").text
      #expect(text.contains("paywall.toml:19:") && text.contains("per"), "\(text)")
    }
  }

  @Test func `a missing configuration is told`() async throws {
    try await Booth.open(.rebasedJSONRPC) { booth in
      try FileManager.default.removeItem(atPath: booth.path("paywall.toml"))
      let outcome = try await booth.paywall("check")
      #expect(outcome.code == 1)
      #expect(outcome.output.contains("--config has to name a file"))
    }
  }

  @Test func `what was left of the example is told`() async throws {
    try await Booth.open(.rebasedJSONRPC) { booth in
      try booth.setUpBroker()
      try booth.replace("plug.test", with: "plug.example")
      let checked = try await booth.check()
      #expect(checked.names == ["warning realm", "warning ledger"])
      try booth.replace(booth.address, with: "0x" + String(repeating: "0", count: 64))
      let outcome = try await booth.paywall("check")
      #expect(outcome.code == 1 && outcome.output.contains("belongs to nobody"))
    }
  }

  @Test func `a ledger that is open, and locked by somebody, can be looked into`() async throws {
    try await Booth.open(.rebasedJSONRPC) { booth in
      try booth.setUpBroker()
      try await booth.pay(20_000_000, #"{"username":"johndoe"}"#)
      try await booth.record()
      let lock = try booth.lock()
      defer { lock.terminate() }
      #expect(try await booth.check().names == [])
      #expect(try await booth.verify(code: 0).payments == 1)
    }
  }

  // MARK: - Lines

  @Test func `lines are for terminals of any kind`() {
    let fine = Finding(check: "a", level: .ok, about: nil, text: "all is well", mend: nil)
    let wrong = Finding(check: "b", level: .error, about: "x", text: "x is gone", mend: "look")
    #expect(fine.line(hasPictures: true) == "✓ all is well")
    #expect(wrong.line(hasPictures: true) == "✗ x is gone; look")
    #expect(fine.line(hasPictures: false) == "ok all is well")
    #expect(wrong.line(hasPictures: false) == "x x is gone; look")
  }

  // MARK: - Offers and accounts

  @Test func `offers that sell what is free, or for too little, are told`() async throws {
    try await Booth.open(.rebasedJSONRPC) { booth in
      try await booth.record()
      try booth.setUpBroker()
      try booth.replace(#"free = ["sensor/1m"]"#, with: #"free = ["sensor/#"]"#)
      #expect(try await booth.check().names == ["error offer-free"])
      try booth.replace(#"free = ["sensor/#"]"#, with: #"free = ["free/#", "+/live/x"]"#)
      #expect(try await booth.check().names == [])
      try booth.replace(#"topics = ["sensor/live"]"#, with: #"topics = ["sensor/live", "free/+"]"#)
      let free = try await booth.check()
      // The other terms of an offer that was in force need a version of their own.
      #expect(free.names == ["error offer-free", "warning offer-publisher"])
    }
  }

  @Test func `a price below the gas of a payment is told, but not where there is no gas`()
    async throws
  {
    for (kind, names) in [
      (PaywallConfiguration.TangleProtocol.rebasedJSONRPC, ["warning offer-price"]),
      (.stardust, []),
    ] {
      try await Booth.open(kind) { booth in
        try booth.setUpBroker()
        try booth.replace(#"price = "0.001 IOTA""#, with: #"price = "100 i""#)
        try await booth.record()
        let checked = try await booth.check()
        #expect(checked.names == names)
        #expect(checked.code == 0)
      }
    }
  }

  @Test func `a part of an offer that is free is a warning`() async throws {
    try await Booth.open(.stardust) { booth in
      try booth.setUpBroker()
      try booth.replace(#"topics = ["sensor/live"]"#, with: #"topics = ["sensor/+"]"#)
      try await booth.record()
      let checked = try await booth.check()
      #expect(checked.names == ["warning offer-free"])
      #expect(try checked.line("offer-free").text.contains("sensor/1m"))
    }
  }

  @Test func `terms of the past that were changed are told, as the broker would`() async throws {
    try await Booth.open(.rebasedJSONRPC) { booth in
      try booth.setUpBroker()
      try await booth.record()
      try booth.replace(#"minimum = "10s""#, with: "minimum = \"10s\"\nfrom = 2020-01-01T00:00:00Z")
      let checked = try await booth.check()
      #expect(checked.names == ["error offers"] && checked.code == 1)
      #expect(try checked.line("offers").text.contains("its terms of the past cannot change"))
    }
  }
}
