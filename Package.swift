// swift-tools-version: 6.2

import PackageDescription

let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let argumentParser = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")
let flyingFox = Target.Dependency.product(name: "FlyingFox", package: "FlyingFox")

/// The plugin carries Swift's runtime inside, shows the broker three symbols, and stays mapped
/// after `dlclose` (Mosquitto 2.0 unloads plugins; a Swift image cannot be unloaded safely).
let pluginImage: [LinkerSetting] = [
  .unsafeFlags(
    [
      "-static-stdlib", "-use-ld=lld",
      "-Xlinker", "-z", "-Xlinker", "nodelete",
      "-Xlinker", "-Bsymbolic",
      "-Xlinker", "--version-script=\(Context.packageDirectory)/plugin/exports.map",
    ]
      + [
        "Foundation", "FoundationInternationalization", "FoundationEssentials", "CoreFoundation",
        "_FoundationCShims", "_FoundationCollections", "_FoundationICU", "swiftSynchronization",
        "swift_StringProcessing", "swift_RegexParser", "swift_Concurrency", "swiftDispatch",
      ].map { "-l\($0)" }),
  // A debug build keeps its symbols: scripts/sanitize has the reports name functions by them.
  .unsafeFlags(["-Xlinker", "-s"], .when(configuration: .release)),
]

let package = Package(
  name: "mosquitto-paywall",
  products: [
    .library(name: "mosquitto_paywall", type: .dynamic, targets: ["PluginImage"]),
    .executable(name: "paywall", targets: ["paywall"]),
    .executable(name: "sensor-agent", targets: ["sensor-agent"]),
    .executable(name: "paywall-devkit", targets: ["paywall-devkit"]),
  ],
  dependencies: [
    .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/swhitty/FlyingFox", exact: "0.27.1"),
  ],
  targets: [
    // C libraries.
    .target(name: "CMosquittoPlugin"),
    .systemLibrary(
      name: "CMosquitto", pkgConfig: "libmosquitto", providers: [.apt(["libmosquitto-dev"])]),
    .systemLibrary(
      name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(
      name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CSodium", providers: [.apt(["libsodium-dev"])]),
    .systemLibrary(
      name: "CQRencode", pkgConfig: "libqrencode", providers: [.apt(["libqrencode-dev"])]),
    .systemLibrary(name: "CMalloc"),
    .systemLibrary(name: "CExpat", pkgConfig: "expat", providers: [.apt(["libexpat1-dev"])]),

    // toml++ is header-only and compiled in (Debian's libtomlplusplus-dev).
    .target(name: "CTOMLPlusPlus"),
    .target(name: "TOML", dependencies: ["CTOMLPlusPlus"]),

    // The pipeline: tangle -> ledger -> access -> broker.
    .target(name: "PaywallCore"),
    .target(name: "HTTP", dependencies: ["CCurl"]),
    .target(
      name: "IOTACrypto", dependencies: ["PaywallCore", "COpenSSL", "CSodium"],
      // Static, because libsodium's soname differs between Debian's releases.
      linkerSettings: [.linkedLibrary(":libsodium.a")]),
    .target(name: "Tangle", dependencies: ["PaywallCore", "HTTP", "IOTACrypto"]),
    .target(name: "CSQLite"),
    .target(name: "Ledger", dependencies: ["PaywallCore", "CSQLite", grdb]),
    .target(name: "Access", dependencies: ["PaywallCore"]),
    .target(
      name: "Configuration", dependencies: ["PaywallCore", "Access", "IOTACrypto", "TOML"]),
    // What a configuration asks for: its file, its secret and its source, for plugin and command.
    .target(
      name: "Setup", dependencies: ["PaywallCore", "Configuration", "IOTACrypto", "Tangle"]),
    .target(
      name: "PaywallPlugin",
      dependencies: [
        "PaywallCore", "Configuration", "Setup", "HTTP", "IOTACrypto", "Tangle", "Ledger", "Access",
        "CMosquittoPlugin", "CMalloc",
      ]),
    .target(name: "PluginImage", dependencies: ["PaywallPlugin"], linkerSettings: pluginImage),

    // Nanoseconds per access check; run by scripts/bench.
    .executableTarget(
      name: "access-bench",
      dependencies: [
        "PaywallCore", "Access", "Ledger", "PaywallPlugin", "FakeBroker", "CMosquittoPlugin",
      ]),

    // Buyers and sellers.
    .target(name: "Wallet", dependencies: ["PaywallCore", "HTTP", "IOTACrypto"]),
    .executableTarget(
      name: "paywall",
      dependencies: [
        "PaywallCore", "Configuration", "Setup", "Tangle", "Ledger", "Access", "HTTP",
        "IOTACrypto", "Wallet",
        "MQTTClient", "CQRencode", argumentParser,
      ]),

    // The sensor.
    .target(name: "MQTTClient", dependencies: ["CMosquitto"]),
    .target(name: "SmartPlug", dependencies: ["HTTP", "CExpat"]),
    .executableTarget(
      name: "sensor-agent",
      dependencies: ["PaywallCore", "HTTP", "SmartPlug", "MQTTClient", "TOML", argumentParser]),

    // A tangle and a plug for development, demos and tests.
    .target(name: "DevTangle", dependencies: ["PaywallCore", "IOTACrypto", flyingFox]),
    .target(name: "DevPlug", dependencies: [flyingFox, "CExpat"]),
    .executableTarget(
      name: "paywall-devkit",
      dependencies: ["PaywallCore", "DevTangle", "DevPlug", "HTTP", argumentParser]),

    // Tests.
    .target(name: "FakeBroker", dependencies: ["CMosquittoPlugin"], path: "Tests/FakeBroker"),
    .target(name: "TestSupport", path: "Tests/TestSupport"),
    .target(name: "MallocCount", path: "Tests/MallocCount"),
    .testTarget(name: "PaywallCoreTests", dependencies: ["PaywallCore", "TestSupport"]),
    .testTarget(
      name: "HTTPTests", dependencies: ["HTTP", "TestSupport", flyingFox]),
    .testTarget(
      name: "IOTACryptoTests",
      dependencies: ["PaywallCore", "IOTACrypto", "COpenSSL", "TestSupport"]),
    .testTarget(
      name: "TangleTests",
      dependencies: ["PaywallCore", "HTTP", "IOTACrypto", "Tangle", "TestSupport", flyingFox],
      exclude: ["Vectors"]),
    .testTarget(
      name: "LedgerTests", dependencies: ["PaywallCore", "Ledger", "TestSupport", grdb],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "AccessTests",
      dependencies: ["PaywallCore", "Access", "TestSupport", "MallocCount", "CMosquitto"]),
    .testTarget(name: "TOMLTests", dependencies: ["TOML"]),
    .testTarget(
      name: "ConfigurationTests", dependencies: ["PaywallCore", "Configuration", "TestSupport"]),
    .testTarget(
      name: "PaywallPluginTests",
      dependencies: [
        "PaywallPlugin", "PaywallCore", "Configuration", "Access", "Ledger", "Tangle", "HTTP",
        "IOTACrypto", "Wallet", "FakeBroker", "DevTangle", "TestSupport", "CMosquittoPlugin",
        grdb,
      ]),
    .testTarget(
      name: "WalletTests",
      dependencies: ["PaywallCore", "HTTP", "IOTACrypto", "Wallet", "DevTangle", "TestSupport"]),
    .testTarget(
      name: "PaywallCommandTests",
      dependencies: [
        "paywall", "PaywallCore", "Configuration", "Setup", "Tangle", "Ledger", "Access", "HTTP",
        "IOTACrypto", "Wallet", "MQTTClient", "DevTangle", "TestSupport", argumentParser, grdb,
      ]),
    .testTarget(
      name: "SmartPlugTests", dependencies: ["SmartPlug", "HTTP", "DevPlug", "TestSupport"]),
    .testTarget(
      name: "SensorAgentTests",
      dependencies: [
        "sensor-agent", "SmartPlug", "MQTTClient", "TOML", "TestSupport", argumentParser,
      ]),
    .testTarget(
      name: "DevTangleTests",
      dependencies: ["PaywallCore", "IOTACrypto", "DevTangle", "TestSupport"]),
    .testTarget(name: "DevPlugTests", dependencies: ["DevPlug", "TestSupport"]),
    // A whole world from one seed; run by scripts/simulate too.
    .target(
      name: "Simulation",
      dependencies: [
        "PaywallCore", "Configuration", "Access", "CMosquittoPlugin", "CSQLite", "FakeBroker",
        "HTTP", "IOTACrypto", "Ledger", "PaywallPlugin", "Tangle", "TestSupport", grdb,
      ], path: "Tests/Simulation"),
    .executableTarget(
      name: "simulate", dependencies: ["Simulation", argumentParser],
      path: "Tests/SimulateCommand"),
    .testTarget(
      name: "SimulationTests", dependencies: ["Simulation", "TestSupport"]),
    // What strangers send, and what is promised of it; run by scripts/fuzz too. The agent's settings
    // are linked into its folder, for an executable cannot be linked into another one.
    .target(
      name: "Fuzz",
      dependencies: [
        "PaywallCore", "HTTP", "IOTACrypto", "Tangle", "Access", "Configuration", "TOML",
        "SmartPlug", "MQTTClient", "CMosquitto",
      ], path: "Tests/Fuzz", exclude: ["Corpus"]),
    .testTarget(name: "FuzzTests", dependencies: ["Fuzz", "TestSupport"]),
    .testTarget(
      name: "BrokerTests",
      dependencies: [
        "PaywallCore", "IOTACrypto", "Wallet", "HTTP", "CMosquitto", "DevTangle", "TestSupport",
      ]),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx17
)

// libFuzzer has the main function, so nothing can be made of this without it.
if Context.environment["PAYWALL_FUZZ"] != nil {
  package.targets.append(
    .executableTarget(
      name: "fuzz", dependencies: ["Fuzz"], path: "Tests/FuzzCommand",
      swiftSettings: [.unsafeFlags(["-parse-as-library"])]))
}

for target in package.targets where target.type != .system {
  var settings = target.swiftSettings ?? []
  settings += [
    .treatAllWarnings(as: .error),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0335-existential-any.md
    .enableUpcomingFeature("ExistentialAny"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0409-access-level-on-imports.md
    .enableUpcomingFeature("InternalImportsByDefault"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0444-member-import-visibility.md
    .enableUpcomingFeature("MemberImportVisibility"),
  ]
  if target.name == "PaywallPlugin" {
    // Overlapping accesses end the program, and here the program is somebody's broker. The tests run
    // with the check.
    settings.append(
      .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)))
  }
  target.swiftSettings = settings
}
