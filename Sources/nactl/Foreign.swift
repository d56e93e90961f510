// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Protocols of other programs are taken as they are: what their files do not say of the cell is said here, and what had
// to be assumed is told before anything is sent.

import ArgumentParser
import ControlAPI
import CyclerModel
import CyclingProtocol
import ProtocolExchange
import Quantities

/// What a protocol of another program does not say.
struct ForeignOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What the cell is, for a protocol of another program.", discussion: CellRole.names, valueName: "role"),
    completion: .list(CellRole.allCases.map(\.rawValue)), transform: CellRole.read)
  var role: CellRole?
  @Option(
    help: ArgumentHelp(
      "A NaCycler protocol whose cell, limits and policy a protocol of another program gets.", valueName: "file"),
    completion: .file(extensions: ["json"]))
  var like: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Voltage limits for a protocol of another program, for instance \"2 V to 4.3 V\".", valueName: "low to high"),
    transform: VoltageWindow.read)
  var voltageLimits: VoltageWindow?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Where the cell must stand before a protocol of another program, for instance \"2 V to 3 V\".",
      valueName: "low to high"), transform: VoltageWindow.read)
  var openCircuit: VoltageWindow?

  var areGiven: Bool { role != nil || like != nil || voltageLimits != nil || openCircuit != nil }

  static var pointless: UsageFailure {
    UsageFailure(
      code: "usage.nothing_foreign",
      message: "--role, --like, --voltage-limits and --open-circuit are for protocols of other programs",
      hint: "a NaCycler protocol says these things itself")
  }

  func importOptions(nominal: CapacityArgument?) throws -> ImportOptions {
    var options = ImportOptions()
    options.role = role
    if let nominal {
      guard let charge = nominal.charge else { throw ValidationError("no cell has so large a nominal capacity") }
      options.nominalCapacity = charge
    }
    options.voltageLimits = voltageLimits
    options.openCircuit = openCircuit
    options.like = try like.map { Array(try ProtocolFiles.source($0).utf8) }
    return options
  }
}

extension CellRole {
  static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }

  static func read(_ argument: String) throws -> CellRole {
    if let role = CellRole(rawValue: argument) { return role }
    throw ValidationError("“\(argument)” is no role; it is one of \(names)")
  }
}

extension VoltageWindow {
  static func read(_ argument: String) throws -> VoltageWindow {
    let ends = argument.split(separator: " to ", omittingEmptySubsequences: false).map {
      try? Voltage(written: String($0))
    }
    if ends.count == 2, let low = ends[0], let high = ends[1], low < high { return VoltageWindow(from: low, to: high) }
    throw ValidationError("“\(argument)” is no range of voltages; write \"2 V to 4.3 V\"")
  }
}

extension CapacityArgument {
  /// 1 nAh is 3600 nC; nil for more than any cell holds.
  var charge: Charge? {
    let (count, overflow) = count.multipliedReportingOverflow(by: 3_600)
    return overflow ? nil : Charge(nanocoulombs: count)
  }
}

/// Reads protocol files.
enum ProtocolFiles {
  /// The texts with their names; those of other programs as protocols of ours. Ends the program with their problems when
  /// they have any.
  static func read(_ paths: [String], _ foreign: ForeignOptions, nominal: CapacityArgument?) throws -> [ProtocolSource]
  {
    var problems: [Problem] = []
    var areForeign = false
    let sources = try paths.map { path in
      let text = try source(path)
      guard let format = ProtocolExchange.format(of: Array(text.utf8)) else {
        return ProtocolSource(name: path, text: text)
      }
      areForeign = true
      let options = try foreign.importOptions(nominal: nominal)
      switch ProtocolExchange.imported(Array(text.utf8), from: format, options: options) {
      case .success(let imported):
        tell(imported, path)
        return ProtocolSource(name: "\(path) as converted", text: imported.text)
      case .failure(let found):
        problems += found.problems.map { Problem($0, of: path) }
        return ProtocolSource(name: path, text: text)
      }
    }
    if foreign.areGiven, !areForeign { throw ForeignOptions.pointless }
    guard problems.isEmpty else {
      for problem in problems { Terminal.error(Problems.lines(problem)) }
      Exit.end(.problems)
    }
    return sources
  }

  /// The text of a file, with the blocks and profiles that it takes from others.
  static func source(_ path: String) throws -> String {
    var text = Array(try FileDescriptors.readFile(path).utf8)
    let folder = path.contains("/") ? path[...(path.lastIndex(of: "/") ?? path.startIndex)] : ""
    // What is taken in may take in more.
    for _ in 0..<deepestInclude {
      let files = Set(ProtocolIncludes.files(of: text)).sorted()
      if files.isEmpty { break }
      for file in files { text = try putting(file, into: text, of: path, folder) }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// So deep files may take something from files.
  private static let deepestInclude = 16

  private static func putting(
    _ file: String, into text: [UInt8], of path: String, _ folder: Substring
  ) throws -> [UInt8] {
    let content: [UInt8]
    do {
      content = Array(try FileDescriptors.readFile(file.hasPrefix("/") ? file : folder + file, isPlain: true).utf8)
    } catch let failure as FileFailure {
      throw FileFailure(
        code: failure.body.code, message: "\(path) takes something from \(file): \(failure.body.message)",
        hint: "the path counts from the folder of the protocol")
    }
    do {
      return try ProtocolIncludes.putting(content, of: file, into: text)
    } catch {
      throw FileFailure(
        code: "protocol.include", message: "\(path) takes something from \(file): \(error.message)",
        hint: error.hint)
    }
  }

  private static func tell(_ imported: ImportedProtocol, _ path: String) {
    for note in imported.notes { Terminal.error("\(path): \(note)\n") }
  }
}

extension Problem {
  /// What is wrong with a file that the daemon was not asked about.
  init(_ problem: ProtocolProblem, of path: String) {
    self.init(
      protocol_name: path, path: problem.path, line: problem.line, column: problem.column, message: problem.message,
      hint: problem.hint)
  }
}
