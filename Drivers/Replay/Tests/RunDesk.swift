// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A whole run on a recording: the daemon's pilot, the driver and the player, joined as a port's thread joins them:
// all events of one piece of bytes go to the pilot before its commands go to the driver.

import CyclerModel
import CyclingProtocol
import CyclingRun
import InstrumentKit
import Quantities
import ReplayEmulator

@testable import ReplayDriver

struct RunDesk {
  var laboratory: Laboratory
  private var pilot: RunPilot?
  private var commands: [ChannelCommand] = []
  private(set) var cycles: [CycleSummary] = []
  /// The last of each.
  private(set) var halfCycles: [Int32: HalfCycleRow] = [:]
  private(set) var steps: [StepRow] = []
  private(set) var notes: [EventRow] = []
  private(set) var records = 0
  /// Why the pilot gave the link up.
  private(set) var linkFault: Fault?

  init(_ recording: Recording, pace: Laboratory.Pace) throws {
    laboratory = Laboratory(recording, pace: pace)
    try laboratory.introduce()
    laboratory.entries.removeAll()
  }

  private var now: RunMoment {
    RunMoment(
      host: laboratory.now, unix: UnixInstant(microseconds: 1_700_000_000_000_000 + laboratory.now.microseconds))
  }

  /// A protocol that must compile for such an instrument.
  static func program(_ text: String) throws -> Program {
    try ProtocolDecoder.decode(Array(text.utf8))
      .flatMap { $0.compile(cell: CellValues(), instrument: ReplayDriver.capabilities.limits) }.get()
  }

  /// Runs a protocol to its end; the state in which the run is then.
  mutating func run(_ program: Program, seconds: Double = 1e7) -> RunState? {
    var settings = RunSettings()
    settings.fit(ReplayDriver.capabilities)
    let identity = RunIdentity(
      run: 1, channel: 1, instrumentChannel: 0, earlierCellCycles: 0, protocolRevision: 1, startedBy: "tester")
    pilot = RunPilot(identity: identity, program: program, settings: settings, instrumentIsHere: true)
    laboratory.events.removeAll()
    feed(.begin)
    let end = laboratory.player.time + seconds
    while let pilot, !pilot.isOver, pilot.state != .held, linkFault == nil, laboratory.player.time < end {
      laboratory.turn(to: end)
      laboratory.entries.removeAll()
      laboratory.written = ""
      workOff()
      feed(.tick)
    }
    return pilot?.state
  }

  private mutating func feed(_ input: RunInput) {
    take(input)
    workOff()
  }

  private mutating func workOff() {
    while true {
      let events = laboratory.events
      laboratory.events.removeAll()
      for event in events {
        if case .circuit = event { continue }
        take(.driver(event))
      }
      guard !commands.isEmpty else { return }
      laboratory.command(commands.removeFirst())
    }
  }

  private mutating func take(_ input: RunInput) {
    var outputs = RunOutputs()
    let moment = now
    pilot?.handle(input, at: moment, into: &outputs)
    commands.append(contentsOf: outputs.commands)
    records += outputs.records.count
    if linkFault == nil { linkFault = outputs.resetLink }
    for entry in outputs.entries {
      switch entry {
      case .cycleClosed(_, let summary): cycles.append(summary)
      case .halfCycleUpdated(let row): halfCycles[row.number] = row
      case .stepStarted(let row): steps.append(row)
      case .event(let row): notes.append(row)
      default: continue
      }
    }
    if outputs.wantsCommit { take(.committed) }
  }

  /// What a person would be told, without what belongs to the normal course.
  var warnings: [String] {
    notes.filter { $0.severity != .info }.map { "\($0.code.rawValue): \($0.detail)" }
  }
}
