// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import CyclerModel
import CyclingProtocol
import CyclingRun
import FoundationEssentials
import Glibc
import InstrumentKit
import MethodSCRIPTEmulator
import Quantities
import Rehearsal
import VirtualBench
import VirtualLab

extension Nasim {
  /// A whole run in seconds, without a daemon.
  struct Rehearse: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Carry out a protocol on a virtual cell at once, and tell as JSON what came of it.",
      discussion: """
        The driver and the run's logic are the daemon's; nothing is stored. `nactl check --simulate PRESET` shows the \
        same to people. What neither the protocol nor an option says of the cell is the preset's.
        """)

    @Option(help: "The virtual cell: the name of a preset, or a path to one.") var cell: String
    @Option(help: "The instrument: emstat4-hr or nexus.") var instrument = "emstat4-hr"
    @Option(help: "Active mass in micrograms.") var massUg: Int64?
    @Option(help: "Electrode area in square millimetres.") var areaMm2: Double?
    @Option(help: "Nominal capacity in milliampere-hours.") var nominalMah: Double?
    @Option(name: .customLong("set"), help: ArgumentHelp("A variable's value.", valueName: "name=value"))
    var settings: [String] = []
    @Option(help: "What a thermometer beside the cell says all the time, in degrees Celsius.") var temperature: Double?
    @Option(help: "Stop after so many cycles.") var cycles: Int?
    @Option(help: "Folder of presets.") var presets: String?
    @Argument(help: "The protocol file.") var file: String

    func validate() throws {
      if let temperature, !(abs(temperature) <= 500) {
        throw ValidationError("--temperature is -500 to 500 degrees Celsius, not \(temperature).")
      }
      if let cycles, cycles < 1 { throw ValidationError("--cycles is at least 1, not \(cycles).") }
    }

    func run() throws {
      let preset = try PresetShelf(named: presets).preset(cell)
      guard let profile = Self.profile(of: instrument) else {
        throw BenchError("protocols are rehearsed on emstat4-hr or nexus, not on \(instrument)")
      }
      var rehearsal = Rehearsal(on: profile, cell: preset.makeCell(seed: nil), seed: 1)
      guard let capabilities = rehearsal.identify() else {
        throw BenchError("the emulated instrument did not say what it is")
      }
      let program = try compile(try read(), for: capabilities, filling: preset)
      try judge(program, preset)
      if temperature == nil, let place = program.placeOfTemperature {
        refuse(
          "\(place): a temperature is named, and there is no thermometer\n",
          hint: "say how warm it is with --temperature, or `nactl check --simulate-temperature`")
      }
      var runSettings = RunSettings()
      runSettings.fit(capabilities)
      var report = RehearsalReport()
      let warmth = temperature.map { Temperature(millidegrees: Int64(($0 * 1_000).rounded())) }
      rehearsal.begin(program, settings: runSettings, temperature: warmth) { report.hear($0) }
      let progress = Progress(cycleCount: program.cycleCount)
      while !report.isOver, rehearsal.linkFault == nil, report.cycles.count < cycles ?? .max {
        rehearsal.turn { report.hear($0) }
        progress.show(report.cycles.count)
      }
      progress.end()
      if let fault = rehearsal.linkFault { throw BenchError("\(fault.code.rawValue): \(fault.detail)") }
      let answer = RehearsalAnswer(report, program, instrument, cell, seconds: rehearsal.seconds)
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys]
      say(String(decoding: try encoder.encode(answer), as: UTF8.self))
    }

    private func read() throws -> [UInt8] {
      do {
        return Array(try Data(contentsOf: URL(filePath: file)))
      } catch {
        throw BenchError("\(file) cannot be read: \(error)")
      }
    }

    private func compile(
      _ text: [UInt8], for capabilities: InstrumentCapabilities, filling preset: CellPreset
    ) throws -> Program {
      var values: [String: String] = [:]
      for setting in settings {
        let parts = setting.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { throw ValidationError("--set takes name=value, not \(setting).") }
        values[parts[0]] = parts[1]
      }
      let (bytes, declared) = ProtocolVariables.set(values, in: text)
      for name in values.keys where !declared.contains(name) {
        throw ValidationError("--set: the protocol has no variable \(name).")
      }
      let compile = { (instrument: InstrumentLimits?) in
        ProtocolDecoder.decode(bytes).flatMap { document in
          // Only a protocol that cannot do without is given the preset's values: they change what others leave to defaults.
          let said = document.compile(cell: cellValues(document.values), instrument: instrument)
          guard case .failure = said else { return said }
          return document.compile(cell: cellValues(document.values, preset), instrument: instrument)
        }
      }
      switch compile(capabilities.limits) {
      case .success(let program): return program
      case .failure(let found):
        let lines = found.problems.map { "\($0.path.isEmpty ? "file" : $0.path): \($0.message) (\($0.hint))\n" }
        var isOfTheInstrument = false
        if case .success = compile(nil) { isOfTheInstrument = true }
        refuse(
          lines.joined(), hint: isOfTheInstrument && instrument == "emstat4-hr" ? "the nexus has more current" : nil)
      }
    }

    /// Another kind of cell would be driven the wrong way round.
    private func judge(_ program: Program, _ preset: CellPreset) throws {
      if ![.noCycles, .symmetric].contains(program.role), preset.role != program.role.rawValue {
        let fitting = try PresetShelf(named: presets).names().filter {
          (try? PresetShelf(named: presets).preset($0).role) == program.role.rawValue
        }
        refuse(
          "the protocol is for the role \(program.role.rawValue), and the preset \(cell) is \(preset.role)\n",
          hint: fitting.isEmpty ? nil : "of that role: \(fitting.joined(separator: ", "))")
      }
    }

    /// Ends the program with what `nactl` takes for problems of the protocol.
    private func refuse(_ text: String, hint: String?) -> Never {
      let hint = hint.map { "hint: \($0)\n" } ?? ""
      let bytes = Array((text + hint).utf8)
      _ = Glibc.write(2, bytes, bytes.count)
      Glibc.exit(Self.problemsStatus)
    }

    private static let problemsStatus: Int32 = 4

    /// What an option says, or the protocol, or else the preset, if there is one.
    private func cellValues(_ written: CellValues, _ preset: CellPreset? = nil) -> CellValues {
      let mass = massUg.map { Mass(micrograms: $0) } ?? written.activeMass
      let area = areaMm2.map { Area(squareMillimetreThousandths: Int64(($0 * 1_000).rounded())) } ?? written.area
      let nominal = nominalMah.map { Charge(ampereHours: $0 / 1_000) } ?? written.nominalCapacity
      return CellValues(
        activeMass: mass ?? preset.map { Mass(micrograms: Int64(($0.activeMassMilligrams * 1_000).rounded())) },
        area: area
          ?? preset.map {
            Area(squareMillimetreThousandths: Int64(($0.areaSquareCentimetres * 100_000).rounded()))
          },
        nominalCapacity: nominal ?? preset.map { Charge(ampereHours: $0.nominalCapacityMilliampereHours / 1_000) })
    }
  }
}

extension Nasim.Rehearse {
  /// A model on which protocols are rehearsed; nil for one whose time is its host's: months would take months.
  private static func profile(of name: String) -> MethodSCRIPTProfile? {
    switch name {
    case "emstat4-hr": .emStat4HR
    case "nexus": .nexus
    default: nil
    }
  }
}

/// Says on a terminal how far a rehearsal is.
private final class Progress {
  private let cycleCount: Int64?
  private let isShown = isatty(2) == 1
  private var last = -1

  init(cycleCount: Int64?) { self.cycleCount = cycleCount }

  func show(_ cycles: Int) {
    guard isShown, cycles != last else { return }
    last = cycles
    let whole = cycleCount.map { " of \($0)" } ?? ""
    write("\rcycle \(cycles + 1)\(whole)\u{1B}[K")
  }

  func end() { if isShown { write("\r\u{1B}[K") } }

  private func write(_ text: String) {
    var text = text
    _ = text.withUTF8 { Glibc.write(2, $0.baseAddress, $0.count) }
  }
}
