// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI
import CyclerModel
import CyclingProtocol
import ProtocolExchange
import Quantities

/// `nactl convert FILE`
struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Turns a protocol of another program into one of NaCycler, or the other way round.",
    discussion: """
      Reads aurora-unicycler's JSON (0.4), tomato's payloads (0.1, 0.2) and PyBaMM's experiment strings, and writes \
      aurora-unicycler and PyBaMM. What had to be assumed or left out is told on standard error; what cannot be said in \
      the other format is a problem (exit code 4), and nothing is written. No daemon is asked.
      """)

  /// What is written.
  enum Target: String, ExpressibleByArgument, CaseIterable {
    case nacycler, unicycler, pybamm
  }

  @Argument(help: "The protocol file, or - for standard input.", completion: .file()) var file: String
  @Option(help: "nacycler, unicycler or pybamm.") var to = Target.nacycler
  @OptionGroup var values: CellValueOptions
  @OptionGroup var foreign: ForeignOptions
  @Option(name: .shortAndLong, help: "Write to this file instead of standard output.", completion: .file())
  var output: String?
  @Flag(help: "Replace an existing file.") var force = false

  func validate() throws {
    if to == .nacycler, values.mass != nil || values.area != nil {
      throw ValidationError(
        "--mass and --area are for writing another program's protocol; say them when the run starts.")
    }
  }

  func run() throws {
    let source = Array(try ProtocolFiles.source(file == "-" ? "/dev/stdin" : file).utf8)
    var bytes = source
    if let format = ProtocolExchange.format(of: bytes) {
      let options = try foreign.importOptions(nominal: values.nominalCapacity)
      let imported = try accepted(ProtocolExchange.imported(bytes, from: format, options: options))
      bytes = Array(imported.text.utf8)
      // What comes out is right or is not written.
      let document = try accepted(ProtocolDecoder.decode(bytes), as: "\(file) as converted")
      if foreign.like == nil {
        _ = try accepted(document.compile(cell: CellValues(), instrument: nil), as: "\(file) as converted")
      }
      for note in imported.notes { Terminal.error(note + "\n") }
    } else if to == .nacycler {
      throw FileFailure(
        code: "convert.nothing_to_do", message: "\(file) is not a protocol of another program",
        hint: "aurora-unicycler, tomato 0.1 and 0.2 and PyBaMM's strings are understood; --to writes others")
    } else if foreign.areGiven {
      throw ForeignOptions.pointless
    }
    guard let format = to.format else { return try write(bytes) }
    let name = ProtocolExchange.format(of: source) == nil ? file : "\(file) as converted"
    let exported = try accepted(ProtocolExchange.exported(bytes, to: format, cell: cell), as: name)
    for detail in exported.leftOut { Terminal.error("left out: \(detail)\n") }
    try write(Array(exported.text.utf8))
  }

  private var cell: CellValues {
    CellValues(
      activeMass: values.mass.map { Mass(micrograms: $0.micrograms) },
      area: values.area.map { Area(squareMillimetreThousandths: $0.count) },
      nominalCapacity: values.nominalCapacity?.charge)
  }

  private func accepted<Value>(_ result: Result<Value, ProtocolProblems>, as name: String? = nil) throws -> Value {
    switch result {
    case .success(let value): return value
    case .failure(let found):
      for problem in found.problems { Terminal.error(Problems.lines(Problem(problem, of: name ?? file))) }
      Exit.end(.problems)
    }
  }

  private func write(_ bytes: [UInt8]) throws {
    guard let output else { return Terminal.out(bytes: bytes) }
    let download = try Download(path: output, replacing: force)
    try download.append(bytes)
    _ = try download.finish()
  }
}

extension Convert.Target {
  fileprivate var format: ForeignFormat? {
    switch self {
    case .nacycler: nil
    case .unicycler: .unicycler
    case .pybamm: .pybamm
    }
  }
}
