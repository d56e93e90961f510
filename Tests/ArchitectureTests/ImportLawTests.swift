// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The import law (docs/contributors/rooms.md): a room imports only rooms above it, and what the daemon decides about a
// cell is reachable without clock, thread, file or network. The law is written out here and not read from the
// manifest, so that a new dependency needs a second, deliberate line.

import Foundation
import Testing

/// What one room may import.
struct Room: CustomTestStringConvertible {
  let name: String
  let folder: String
  /// Which of our rooms, at most.
  let ours: Set<String>
  /// Which modules of others; nil leaves that to the manifest.
  let others: Set<String>?
  /// Whether it holds no clock, thread or suspension.
  let isPure: Bool

  var testDescription: String { name }

  init(_ name: String, in folder: String? = nil, ours: Set<String>, others: Set<String>? = nil, isPure: Bool = false) {
    self.name = name
    self.folder = folder ?? "Sources/\(name)"
    self.ours = ours
    self.others = isPure ? others ?? [] : others
    self.isPure = isPure
  }

  /// In the order of the manifest.
  static let all = pure + drivers + world + emulators + programs

  /// The families of instruments: the folders below Drivers. One law holds for all of them.
  static let families = Repository.folders(in: "Drivers")

  /// A driver knows the kit and nothing of the world.
  static let drivers = families.map {
    Room("\($0)Driver", in: "Drivers/\($0)/Driver", ours: ["InstrumentKit", "CyclerModel", "Quantities"], isPure: true)
  }

  /// An emulator shares nothing with its driver but the wire; it takes the C library for its mathematics.
  static let emulators = families.map {
    Room("\($0)Emulator", in: "Drivers/\($0)/Emulator", ours: ["VirtualLab", "Quantities"], others: ["Glibc"])
  }

  private static let pure: [Room] = [
    Room("Quantities", ours: [], isPure: true),
    Room("CyclerModel", ours: ["Quantities"], isPure: true),
    Room("CyclingProtocol", ours: ["CyclerModel", "Quantities"], isPure: true),
    Room("ProtocolExchange", ours: ["CyclingProtocol", "CyclerModel", "Quantities"], isPure: true),
    Room("CyclingEngine", ours: ["CyclerModel", "Quantities"], isPure: true),
    Room("CellMetrics", ours: ["CyclerModel", "Quantities"], isPure: true),
    Room("CyclingData", ours: ["CellMetrics", "CyclerModel", "Quantities"], isPure: true),
    Room("InstrumentKit", ours: ["CyclerModel", "Quantities"], isPure: true),
    Room(
      "CyclingRun", ours: ["InstrumentKit", "CellMetrics", "CyclingEngine", "CyclerModel", "Quantities"], isPure: true),
  ]

  private static let world: [Room] = [
    Room("CUdev", ours: []),
    Room("CNacycler", ours: []),
    Room(
      "InstrumentIO", ours: ["InstrumentKit", "CyclerModel", "Quantities", "CUdev", "CNacycler"],
      others: ["Glibc", "Synchronization"]),
    Room("CycleStore", ours: ["CyclerModel", "Quantities"]),
    Room("ControlAPI", ours: []),
    Room(
      "CyclerService",
      ours: Set(drivers.map(\.name)).union([
        "ControlAPI", "CycleStore", "InstrumentIO", "InstrumentKit", "CyclingRun", "CellMetrics", "CyclingEngine",
        "CyclingProtocol", "CyclerModel", "Quantities", "CNacycler",
      ])),
    // The C library for its mathematics, and Foundation's JSON reader for the presets of virtual cells.
    Room("VirtualLab", ours: ["Quantities"], others: ["Glibc", "Darwin", "Foundation", "FoundationEssentials"]),
    Room(
      "DriverTrials",
      ours: ["InstrumentKit", "CyclingEngine", "VirtualLab", "CyclerModel", "Quantities"], others: ["Glibc"],
      isPure: true),
  ]

  private static let programs: [Room] = [
    Room("VirtualBench", ours: Set(emulators.map(\.name)).union(["VirtualLab", "CNacycler"])),
    Room(
      "Rehearsal",
      ours: [
        "CyclingRun", "MethodSCRIPTDriver", "MethodSCRIPTEmulator", "VirtualLab", "InstrumentKit", "CyclerModel",
        "Quantities",
      ], isPure: true),
    Room("nacyclerd", ours: ["CyclerService", "ControlAPI", "InstrumentIO", "CyclerModel", "Quantities"]),
    Room(
      "nactl",
      ours: [
        "ControlAPI", "CyclingData", "ProtocolExchange", "CyclingProtocol", "CellMetrics", "CyclerModel", "Quantities",
      ]),
    Room(
      "nasim",
      ours: [
        "Rehearsal", "VirtualBench", "VirtualLab", "MethodSCRIPTEmulator", "CyclingRun", "CyclingProtocol",
        "InstrumentKit", "CyclerModel", "Quantities",
      ]),
    Room("CBench", in: "Benchmarks/CBench", ours: []),
    Room(
      "nabench", in: "Benchmarks/nabench",
      ours: [
        "CBench", "CNacycler", "CycleStore", "CyclingRun", "CyclingData", "CellMetrics", "CyclingProtocol",
        "MethodSCRIPTDriver", "InstrumentKit", "CyclerModel", "Quantities",
      ]),
    Room("nafuzz", in: "Fuzzing/nafuzz", ours: ["CyclingProtocol", "CyclerModel", "Quantities"], others: ["Glibc"]),
  ]
}

@Suite("The import law") struct ImportLawTests {
  /// Modules that the language itself brings.
  private static let language: Set<String> = ["Swift", "_Concurrency", "_StringProcessing"]

  /// The module that a line imports, if it does: attributes, access and the kind of a single import are passed over.
  static func module(importedBy line: Substring) -> String? {
    let words = line.split { $0 == " " || $0 == "\t" }
    guard let keyword = words.firstIndex(of: "import") else { return nil }
    let isImport = words[..<keyword].allSatisfy {
      $0.hasPrefix("@") || ["public", "package", "internal", "fileprivate", "private"].contains($0)
    }
    let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
    guard isImport, let name = words[(keyword + 1)...].first(where: { !kinds.contains($0) }) else { return nil }
    return name.split(separator: ".").first.map { String($0) }
  }

  @Test("the reader of imports sees every form of them") func reader() {
    #expect(Self.module(importedBy: "import Glibc") == "Glibc")
    #expect(Self.module(importedBy: "  public import CyclerModel") == "CyclerModel")
    #expect(Self.module(importedBy: "@testable import InstrumentIO") == "InstrumentIO")
    #expect(Self.module(importedBy: "@preconcurrency internal import struct Foundation.Date") == "Foundation")
    #expect(Self.module(importedBy: "let import = 3") == nil)
    #expect(Self.module(importedBy: "important()") == nil)
  }

  @Test("a room imports only what it may", arguments: Room.all) func imports(_ room: Room) {
    let names = Set(Room.all.map(\.name))
    for file in Repository.files(below: room.folder, endings: [".swift"]) {
      for module in file.code.compactMap(Self.module(importedBy:)) {
        if names.contains(module) {
          #expect(room.ours.contains(module), "\(file.path) imports \(module), which \(room.name) may not")
        } else if let others = room.others {
          let isAllowed = others.contains(module) || Self.language.contains(module)
          #expect(isAllowed, "\(file.path) imports \(module), which \(room.name) may not")
        }
      }
    }
  }

  @Test("pure rooms hold no suspension, task or clock", arguments: Room.all.filter(\.isPure)) func pure(_ room: Room) {
    let banned: Set<Substring> = [
      "async", "await", "Task", "ContinuousClock", "SuspendingClock", "Date", "DispatchQueue", "Mutex",
      "Atomic", "Thread", "print", "UUID", "SystemRandomNumberGenerator",
    ]
    for file in Repository.files(below: room.folder, endings: [".swift"]) {
      // What lies between lines with three quotes is a text, such as a program for an instrument.
      var isText = false
      for (number, line) in file.code.enumerated() {
        if line.contains("\"\"\"") { isText.toggle() }
        let words = isText ? [] : Self.wordsOutsideStrings(line)
        for word in words where banned.contains(word) {
          Issue.record("\(file.path):\(number + 1): \(room.name) is pure; \(word) is not for it")
        }
      }
    }
  }

  /// The identifiers of a line, without those inside string literals and those that follow a dot.
  static func wordsOutsideStrings(_ line: Substring) -> [Substring] {
    let outside = line.replacing("\\\"", with: "").split(separator: "\"", omittingEmptySubsequences: false).enumerated()
      .filter {
        $0.offset.isMultiple(of: 2)
      }
    return outside.flatMap { part in
      part.element.matches(of: /(\.)?([A-Za-z_]\w*)/).compactMap { $0.output.1 == nil ? $0.output.2 : nil }
    }
  }

  @Test("the reader of words passes over strings and members") func words() {
    #expect(Self.wordsOutsideStrings("let a = b.print(\"await x\") + Task") == ["let", "a", "b", "Task"])
  }

  @Test("every room is in the manifest, in this order, and every target is a room") func manifest() throws {
    let text = try Repository.text("Package.swift")
    let start = try #require(text.firstRange(of: "let pureRooms")).lowerBound
    let declared = text[start...].matches(
      of: /\b(?:room|program|systemLibrary|target|executableTarget)\(\s*(?:name: )?"(\w+)"/
    )
    .map { String($0.output.1) }
    #expect(declared == Room.all.filter { !$0.folder.hasPrefix("Drivers/") }.map(\.name))
    #expect(text.contains("targets: pureRooms + drivers + worldRooms + emulators + programs + roomTests + familyTests"))
    #expect(try Repository.familiesOfTheManifest() == Room.families)
    // A room's own law must not reach below itself.
    for (index, room) in Room.all.enumerated() {
      #expect(room.ours.isSubset(of: Room.all[..<index].map(\.name)), "\(room.name)")
    }
  }

  @Test("every folder of sources is a room") func folders() throws {
    let folders = try FileManager.default.contentsOfDirectory(
      atPath: Repository.root.appending(path: "Sources").path(percentEncoded: false))
    let known = Set(Room.all.map(\.folder))
    for folder in folders where !folder.hasPrefix(".") { #expect(known.contains("Sources/\(folder)")) }
  }

  @Test("every room is described for contributors") func described() throws {
    let page = try Repository.text("docs/contributors/rooms.md")
    for room in Room.all {
      let isDriver = room.folder.hasPrefix("Drivers/")
      let name = isDriver ? "Drivers/\\<Family\\>/\(room.folder.split(separator: "/").last ?? "")" : room.name
      #expect(page.contains("**\(name)**"), "docs/contributors/rooms.md says nothing of \(room.name)")
    }
  }
}
