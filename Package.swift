// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The rooms of NaCycler, in the order in which they may import each other: a target depends only on targets above it
// (docs/contributors/rooms.md says what may live where; Tests/ArchitectureTests enforces it).

import PackageDescription

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .enableUpcomingFeature("InferIsolatedConformances"),
  .enableUpcomingFeature("ImmutableWeakCaptures"),
]

// Tests let virtual cells live for months, millisecond by millisecond, and damage thousands of files: rooms are optimised code
// in every build, as in the programs that people run. They keep their assertions.
let optimised: [SwiftSetting] =
  settings + [.unsafeFlags(["-O", "-assert-config", "Debug"], .when(configuration: .debug))]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let grdbSQLite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
func nio(_ name: String) -> Target.Dependency { .product(name: name, package: "swift-nio") }

func room(_ name: String, _ dependencies: [Target.Dependency] = [], path: String? = nil) -> Target {
  .target(name: name, dependencies: dependencies, path: path, swiftSettings: optimised)
}
func program(_ name: String, _ dependencies: [Target.Dependency], path: String? = nil) -> Target {
  .executableTarget(name: name, dependencies: dependencies, path: path, swiftSettings: settings)
}
func tests(_ name: String, _ dependencies: [Target.Dependency], path: String? = nil) -> Target {
  .testTarget(name: name, dependencies: dependencies, path: path, swiftSettings: settings)
}

// Values in, values out.
let pureRooms = [
  room("Quantities"),
  room("CyclerModel", ["Quantities"]),
  room("CyclingProtocol", ["CyclerModel", "Quantities"]),
  room("ProtocolExchange", ["CyclingProtocol", "CyclerModel", "Quantities"]),
  room("CyclingEngine", ["CyclerModel", "Quantities"]),
  room("CellMetrics", ["CyclerModel", "Quantities"]),
  room("CyclingData", ["CellMetrics", "CyclerModel", "Quantities"]),
  room("InstrumentKit", ["CyclerModel", "Quantities"]),
  room("CyclingRun", ["InstrumentKit", "CellMetrics", "CyclingEngine", "CyclerModel", "Quantities"]),
]

/// A family of instruments is one folder below Drivers and one line here: its driver and its emulator, which share nothing but
/// the wire, and the tests of both.
let families = [
  "Batlab",
  "KeithleySCPI",
  "KeithleyTSP",
  "LineThermometer",
  "MethodSCRIPT",
  "Replay",
  "Rodeostat",
  "TDstat",
  "Template",
  "ZKEtechEBC",
]
let drivers = families.map {
  room("\($0)Driver", ["InstrumentKit", "CyclerModel", "Quantities"], path: "Drivers/\($0)/Driver")
}
let emulators = families.map { room("\($0)Emulator", ["VirtualLab", "Quantities"], path: "Drivers/\($0)/Emulator") }
let familyTests = families.map {
  tests(
    "\($0)Tests",
    [
      .byName(name: "\($0)Driver"), .byName(name: "\($0)Emulator"), "VirtualLab", "CyclingRun", "CyclingProtocol",
      "InstrumentKit", "CyclerModel", "Quantities",
    ],
    path: "Drivers/\($0)/Tests")
}
func each(_ side: String) -> [Target.Dependency] { families.map { .byName(name: $0 + side) } }

// What touches files, lines and sockets, and the laboratory that exists in arithmetic only.
let worldRooms: [Target] = [
  .systemLibrary(name: "CUdev", pkgConfig: "libudev", providers: [.apt(["libudev-dev"])]),
  .target(name: "CNacycler"),
  room("InstrumentIO", ["InstrumentKit", "CyclerModel", "Quantities", "CUdev", "CNacycler"]),
  room("CycleStore", ["CyclerModel", "Quantities", grdb, grdbSQLite]),
  room("ControlAPI", [nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1")]),
  room(
    "CyclerService",
    [
      "ControlAPI", "CycleStore", "InstrumentIO", "InstrumentKit", "CyclingRun", "CellMetrics", "CyclingEngine",
      "CyclingProtocol", "CyclerModel", "Quantities", "CNacycler", hummingbird, lifecycle, logging, nio("NIOCore"),
    ] + each("Driver")),
  room("VirtualLab", ["Quantities"]),
  room("DriverTrials", ["InstrumentKit", "CyclingEngine", "VirtualLab", "CyclerModel", "Quantities"]),
]

// The bench, and thin programs.
let programs: [Target] = [
  room("VirtualBench", ["VirtualLab", "CNacycler"] + each("Emulator")),
  room(
    "Rehearsal",
    [
      "CyclingRun", "MethodSCRIPTDriver", "MethodSCRIPTEmulator", "VirtualLab", "InstrumentKit", "CyclerModel",
      "Quantities",
    ]),

  program(
    "nacyclerd",
    [
      "CyclerService", "ControlAPI", "Quantities", argumentParser, logging,
    ]),
  program(
    "nactl",
    [
      "ControlAPI", "CyclingData", "ProtocolExchange", "CyclingProtocol", "CellMetrics", "CyclerModel", "Quantities",
      argumentParser,
    ]),
  program(
    "nasim",
    [
      "Rehearsal", "VirtualBench", "VirtualLab", "MethodSCRIPTEmulator", "CyclingRun", "CyclingProtocol",
      "InstrumentKit", "CyclerModel", "Quantities", argumentParser,
    ]),

  // What `make bench` runs.
  .target(name: "CBench", path: "Benchmarks/CBench"),
  program(
    "nabench",
    [
      "CBench", "CNacycler", "CycleStore", "CyclingRun", "CyclingData", "CellMetrics", "CyclingProtocol",
      "MethodSCRIPTDriver", "InstrumentKit", "CyclerModel", "Quantities",
    ], path: "Benchmarks/nabench"),

  // What `make fuzz` runs.
  program("nafuzz", ["CyclingProtocol", "CyclerModel", "Quantities"], path: "Fuzzing/nafuzz"),
]

// Each tests its room through what the room shows; EndToEndTests run the programs.
let roomTests = [
  tests("ArchitectureTests", []),
  tests("QuantitiesTests", ["Quantities"]),
  tests("CyclingProtocolTests", ["CyclingProtocol", "CyclerModel", "Quantities"]),
  tests("ProtocolExchangeTests", ["ProtocolExchange", "CyclingProtocol", "CyclerModel", "Quantities"]),
  tests("ChargeIntegratorTests", ["CyclingEngine", "CyclerModel", "Quantities"]),
  tests("CellMetricsTests", ["CellMetrics", "CyclingEngine", "CyclerModel", "Quantities"]),
  tests("CyclingDataTests", ["CyclingData", "CellMetrics", "CyclerModel", "Quantities"]),
  tests("InstrumentKitTests", ["InstrumentKit", "CyclerModel", "Quantities"]),
  tests(
    "ConformanceTests",
    ["DriverTrials", "InstrumentKit", "VirtualLab", "CyclerModel", "Quantities"] + each("Driver") + each("Emulator")),
  tests("VirtualLabTests", ["VirtualLab", "Quantities"]),
  tests("VirtualBenchTests", ["VirtualBench", "VirtualLab"]),
  tests(
    "WholeRunTests",
    [
      "CyclingRun", "CyclingProtocol", "CyclingEngine", "CellMetrics", "MethodSCRIPTDriver", "MethodSCRIPTEmulator",
      "VirtualLab", "InstrumentKit", "CyclerModel", "Quantities",
    ]),
  tests(
    "RehearsalTests",
    [
      "Rehearsal", "CyclingProtocol", "CyclingRun", "MethodSCRIPTEmulator", "VirtualLab", "InstrumentKit",
      "CyclerModel", "Quantities",
    ]),
  tests(
    "InstrumentIOTests",
    [
      "InstrumentIO", "InstrumentKit", "CyclerModel", "Quantities", "CNacycler", "VirtualLab", "KeithleySCPIDriver",
      "KeithleySCPIEmulator",
    ]),
  tests("CycleStoreTests", ["CycleStore", "CyclerModel", "Quantities", grdb]),
  tests(
    "CyclerServiceTests",
    [
      "CyclerService", "ControlAPI", "CycleStore", "InstrumentIO", "InstrumentKit", "CyclingRun", "CyclingProtocol",
      "CyclerModel", "Quantities", "CNacycler", logging,
    ]),
  tests("ControlAPITests", ["ControlAPI", "CyclerService", lifecycle, logging, nio("NIOCore")]),
  tests("NactlTests", ["nactl", "ControlAPI", argumentParser]),
  tests("EndToEndTests", ["MethodSCRIPTDriver", "InstrumentKit"]),
]

let package = Package(
  name: "nacycler",
  products: [
    .executable(name: "nacyclerd", targets: ["nacyclerd"]),
    .executable(name: "nactl", targets: ["nactl"]),
    .executable(name: "nasim", targets: ["nasim"]),
  ],
  dependencies: [
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: pureRooms + drivers + worldRooms + emulators + programs + roomTests + familyTests
)
