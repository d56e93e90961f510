// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingProtocol
import CyclingRun
import Foundation
import InstrumentKit
import MethodSCRIPTEmulator
import Quantities
import Rehearsal
import Testing
import VirtualLab

@Suite("A run before it is started", .timeLimit(.minutes(15))) struct RehearsalTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")

  private static func preset(_ name: String) throws -> CellPreset {
    try CellPreset(json: try Data(contentsOf: root.appending(path: "VirtualCells/\(name).json")))
  }

  private static func text(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: root.appending(path: "Protocols/\(name).json")))
  }

  /// Rehearses a protocol to its end or to so many cycles.
  private static func report(
    _ text: [UInt8], on cell: CellPreset, cycles: Int = .max
  ) throws -> (report: RehearsalReport, truth: CellTruth) {
    var rehearsal = Rehearsal(on: .emStat4HR, cell: cell.makeCell(seed: nil), seed: 1)
    let found = rehearsal.identify()
    let capabilities = try #require(found)
    let values = CellValues(
      activeMass: Mass(micrograms: Int64((cell.activeMassMilligrams * 1_000).rounded())),
      nominalCapacity: Charge(ampereHours: cell.nominalCapacityMilliampereHours / 1_000))
    let program = try ProtocolDecoder.decode(text).flatMap {
      $0.compile(cell: values.without($0.values), instrument: capabilities.limits)
    }.get()
    var report = RehearsalReport()
    rehearsal.begin(program, settings: RunSettings()) { report.hear($0) }
    var turns = 0
    while !report.isOver, report.cycles.count < cycles, turns < 2_000_000 {
      rehearsal.turn { report.hear($0) }
      turns += 1
    }
    #expect(rehearsal.linkFault == nil)
    return (report, rehearsal.truth)
  }

  /// The half-cycles that it tells are those that passed through the cell's terminals.
  @Test func itsCyclesAreTheCells() throws {
    let (report, truth) = try Self.report(
      try Self.text("demo-hard-carbon"), on: try Self.preset("hard-carbon"), cycles: 2)
    #expect(report.cycles.count == 2)
    #expect(report.events.isEmpty, "\(report.events.map(\.detail))")
    let halves = truth.closed + [truth.open].compactMap(\.self)
    for (index, cycle) in report.cycles.enumerated() {
      for half in halves[(2 * index)..<(2 * index + 2)] {
        let capacity = try #require(half.direction > 0 ? cycle.chargeCapacity : cycle.dischargeCapacity)
        let coulombs = Double(capacity.nanocoulombs) * 1e-9
        #expect(abs(coulombs / half.terminalCharge - 1) < 10e-6, "cycle \(cycle.cycleNumber)")
      }
    }
    let moved = halves.prefix(4).reduce(0) { $0 + $1.terminalCharge }
    #expect(abs(Double(report.movedCharge.nanocoulombs) * 1e-9 / moved - 1) < 10e-6)
    #expect(report.trace.stretches.count > 100 && report.recordCount > 100)
  }

  /// An end that only the host judges comes within a reading of it, as on a real line.
  @Test func anEndThatTheHostJudgesIsNotLate() throws {
    let text = String(decoding: try Self.text("demo-hard-carbon"), as: UTF8.self)
    let first = try #require(text.firstRange(of: #""step_time >= "#))
    let short = text.replacingCharacters(in: first, with: #""step_charge >= 1 uAh", "step_time >= "#)
    let truth = try Self.report(Array(short.utf8), on: try Self.preset("hard-carbon"), cycles: 1).truth
    // The charge behind it would end at once, so this may be the only half-cycle.
    let half = try #require(truth.closed.first ?? truth.open)
    let perReading = half.terminalCharge / (half.endedAt - half.startedAt) * 0.2
    #expect(half.terminalCharge >= 3.6e-3 && half.terminalCharge <= 3.6e-3 + 3 * perReading, "\(half)")
  }

  @Test func theSameTwiceIsTheSame() throws {
    let (text, cell) = (try Self.text("demo-hard-carbon"), try Self.preset("hard-carbon"))
    let first = try Self.report(text, on: cell, cycles: 1).report
    let second = try Self.report(text, on: cell, cycles: 1).report
    #expect(first.cycles == second.cycles && first.cycles.count == 1)
    #expect(first.trace == second.trace)
    #expect(first.state == .running && !first.isOver)
  }

  /// A cell that does not fit its protocol is refused by the check before the first current, with the reason.
  @Test func aCellThatDoesNotFitIsRefused() throws {
    let (report, truth) = try Self.report(try Self.text("demo-hard-carbon"), on: try Self.preset("anode-free-nvpf"))
    #expect(report.isOver && report.state != .completed)
    #expect(report.cycles.isEmpty && truth.closed.isEmpty && truth.open == nil)
    #expect(report.events.map(\.code) == [.preflightOutsideWindow] && report.state == .ended)
    #expect(report.eventCount == report.events.count)
  }
}

extension CellValues {
  /// Without what the protocol says itself.
  fileprivate func without(_ written: CellValues) -> CellValues {
    CellValues(
      activeMass: written.activeMass == nil ? activeMass : nil, area: written.area == nil ? area : nil,
      nominalCapacity: written.nominalCapacity == nil ? nominalCapacity : nil)
  }
}
