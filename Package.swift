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

func room(
  _ name: String, _ dependencies: [Target.Dependency] = [], path: String? = nil, exclude: [String] = []
) -> Target {
  .target(name: name, dependencies: dependencies, path: path, exclude: exclude, swiftSettings: optimised)
}
func program(_ name: String, _ dependencies: [Target.Dependency], path: String? = nil) -> Target {
  .executableTarget(name: name, dependencies: dependencies, path: path, swiftSettings: settings)
}
func tests(_ name: String, _ dependencies: [Target.Dependency], path: String? = nil) -> Target {
  .testTarget(name: name, dependencies: dependencies, path: path, swiftSettings: settings)
}

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
  targets: [
    // Pure: values in, values out.
    room("Quantities"),
    room("CyclerModel", ["Quantities"]),
    room("CyclingProtocol", ["CyclerModel", "Quantities"]),
    room("ProtocolExchange", ["CyclingProtocol", "CyclerModel", "Quantities"]),
    room("CyclingEngine", ["CyclerModel", "Quantities"]),
    room("CellMetrics", ["CyclerModel", "Quantities"]),
    room("CyclingData", ["CellMetrics", "CyclerModel", "Quantities"]),
    room("InstrumentKit", ["CyclerModel", "Quantities"]),
    room("CyclingRun", ["InstrumentKit", "CellMetrics", "CyclingEngine", "CyclerModel", "Quantities"]),
    room("MethodSCRIPTDriver", ["InstrumentKit", "CyclerModel", "Quantities"], path: "Drivers/MethodSCRIPT/Driver"),
    room(
      "LineThermometerDriver", ["InstrumentKit", "CyclerModel", "Quantities"], path: "Drivers/LineThermometer/Driver"),
    room("KeithleySCPIDriver", ["InstrumentKit", "CyclerModel", "Quantities"], path: "Drivers/KeithleySCPI/Driver"),
    room("BatlabDriver", ["InstrumentKit", "CyclerModel", "Quantities"], path: "Drivers/Batlab/Driver"),
    room("RodeostatDriver", ["InstrumentKit", "CyclerModel", "Quantities"], path: "Drivers/Rodeostat/Driver"),
    room("ZKEtechEBCDriver", ["InstrumentKit", "CyclerModel", "Quantities"], path: "Drivers/ZKEtechEBC/Driver"),

    // The world.
    .systemLibrary(name: "CUdev", pkgConfig: "libudev", providers: [.apt(["libudev-dev"])]),
    .target(name: "CNacycler"),
    room("InstrumentIO", ["InstrumentKit", "CyclerModel", "Quantities", "CUdev", "CNacycler"]),
    room("CycleStore", ["CyclerModel", "Quantities", grdb, grdbSQLite]),
    room("ControlAPI", [nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1")]),
    room(
      "CyclerService",
      [
        "ControlAPI", "CycleStore", "InstrumentIO", "BatlabDriver", "KeithleySCPIDriver", "LineThermometerDriver",
        "MethodSCRIPTDriver", "RodeostatDriver", "ZKEtechEBCDriver", "InstrumentKit",
        "CyclingRun", "CellMetrics", "CyclingEngine", "CyclingProtocol", "CyclerModel", "Quantities", "CNacycler",
        hummingbird, lifecycle, logging, nio("NIOCore"),
      ]),
    room("VirtualLab", ["Quantities"]),
    room("MethodSCRIPTEmulator", ["VirtualLab"], path: "Drivers/MethodSCRIPT/Emulator", exclude: ["README.md"]),
    room("LineThermometerEmulator", path: "Drivers/LineThermometer/Emulator"),
    room("KeithleySCPIEmulator", ["VirtualLab"], path: "Drivers/KeithleySCPI/Emulator"),
    room("BatlabEmulator", ["VirtualLab"], path: "Drivers/Batlab/Emulator"),
    room("RodeostatEmulator", ["VirtualLab"], path: "Drivers/Rodeostat/Emulator"),
    room("ZKEtechEBCEmulator", ["VirtualLab"], path: "Drivers/ZKEtechEBC/Emulator"),
    room(
      "VirtualBench",
      [
        "VirtualLab", "BatlabEmulator", "KeithleySCPIEmulator", "LineThermometerEmulator", "MethodSCRIPTEmulator",
        "RodeostatEmulator", "ZKEtechEBCEmulator", "CNacycler",
      ]),
    room(
      "Rehearsal",
      [
        "CyclingRun", "MethodSCRIPTDriver", "MethodSCRIPTEmulator", "VirtualLab", "InstrumentKit", "CyclerModel",
        "Quantities",
      ]),

    // Thin programs.
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

    // Each tests its room through what the room shows; EndToEndTests run the programs.
    tests("ArchitectureTests", []),
    tests("QuantitiesTests", ["Quantities"]),
    tests("CyclingProtocolTests", ["CyclingProtocol", "CyclerModel", "Quantities"]),
    tests("ProtocolExchangeTests", ["ProtocolExchange", "CyclingProtocol", "CyclerModel", "Quantities"]),
    tests("ChargeIntegratorTests", ["CyclingEngine", "CyclerModel", "Quantities"]),
    tests("CellMetricsTests", ["CellMetrics", "CyclingEngine", "CyclerModel", "Quantities"]),
    tests("CyclingDataTests", ["CyclingData", "CellMetrics", "CyclerModel", "Quantities"]),
    tests("MethodSCRIPTDriverTests", ["MethodSCRIPTDriver", "InstrumentKit", "CyclerModel", "Quantities"]),
    tests(
      "LineThermometerTests",
      ["LineThermometerDriver", "LineThermometerEmulator", "InstrumentKit", "CyclerModel", "Quantities"]),
    tests("MethodSCRIPTEmulatorTests", ["MethodSCRIPTEmulator", "VirtualLab", "Quantities"]),
    tests("InstrumentKitTests", ["InstrumentKit", "CyclerModel", "Quantities"]),
    tests(
      "KeithleySCPITests",
      ["KeithleySCPIDriver", "KeithleySCPIEmulator", "VirtualLab", "InstrumentKit", "CyclerModel", "Quantities"]),
    tests(
      "BatlabTests", ["BatlabDriver", "BatlabEmulator", "VirtualLab", "InstrumentKit", "CyclerModel", "Quantities"]),
    tests(
      "RodeostatTests",
      ["RodeostatDriver", "RodeostatEmulator", "VirtualLab", "InstrumentKit", "CyclerModel", "Quantities"]),
    tests(
      "ZKEtechEBCTests",
      ["ZKEtechEBCDriver", "ZKEtechEBCEmulator", "VirtualLab", "InstrumentKit", "CyclerModel", "Quantities"]),
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
    tests("InstrumentIOTests", ["InstrumentIO", "InstrumentKit", "CyclerModel", "Quantities", "CNacycler"]),
    tests("CycleStoreTests", ["CycleStore", "CyclerModel", "Quantities", grdb]),
    tests(
      "CyclerServiceTests",
      [
        "CyclerService", "ControlAPI", "CycleStore", "InstrumentIO", "InstrumentKit", "CyclingRun", "CyclingProtocol",
        "CyclerModel", "Quantities", "CNacycler", logging,
      ]),
    tests("ControlAPITests", ["ControlAPI", "CyclerService", lifecycle, logging, nio("NIOCore")]),
    tests("NactlTests", ["nactl", "ControlAPI", argumentParser]),
    tests("EndToEndTests", []),
  ]
)
