// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A pilot alone, with an instrument that says exactly what a test wants: readings that no healthy instrument gives, at
// moments that no emulator would choose.

import CyclerModel
import CyclingRun
import InstrumentKit
import Quantities

/// One pilot, fed by hand.
struct PilotBench {
  var pilot: RunPilot
  var journal = KeptJournal()
  /// All that the pilot ever asked of the instrument.
  var commands: [ChannelCommand] = []
  /// What the last input led to.
  var last = RunOutputs()
  var holdsCommits = false
  /// Readings go in among all other inputs, after which nothing is foreseen: each is judged in full.
  var judgesAll = false
  /// Seconds on the host's clocks.
  var host = 1_000.0
  /// By how many seconds somebody has put the calendar clock forward; negative is back.
  var calendarStep = 0.0
  /// Seconds on the set-point's clock.
  var clock = 0.0

  static let identity = RunIdentity(
    run: 7, channel: 3, instrumentChannel: 0, earlierCellCycles: 0, protocolRevision: 1, startedBy: "tester")

  init(_ program: Program, settings: RunSettings = RunSettings()) {
    pilot = RunPilot(identity: Self.identity, program: program, settings: settings, instrumentIsHere: true)
  }

  var now: RunMoment {
    let microseconds = Int64((host * 1e6).rounded())
    return RunMoment(
      host: HostInstant(microseconds: microseconds),
      unix: UnixInstant(microseconds: 1_700_000_000_000_000 + microseconds + Int64(calendarStep * 1e6)))
  }

  /// The set-point that was asked for last.
  var setpoint: Setpoint? {
    for case .begin(let setpoint) in commands.reversed() { return setpoint }
    return nil
  }

  var begun: Int {
    commands.count {
      if case .begin = $0 { return true }
      return false
    }
  }

  /// Whether the last thing asked for is an open circuit.
  var wantsOpenCircuit: Bool { commands.last == .openCircuit }

  mutating func feed(_ input: RunInput) {
    last.removeAll()
    pilot.handle(input, at: now, into: &last)
    work()
  }

  /// A reading as a port's thread gives it, which may be taken without being judged in full.
  mutating func feed(_ reading: Reading) {
    last.removeAll()
    pilot.handle(reading, at: now, into: &last)
    work()
  }

  private mutating func work() {
    commands.append(contentsOf: last.commands)
    journal.keep(last)
    if last.wantsCommit, !holdsCommits {
      let outputs = last
      feed(.committed)
      last.entries = outputs.entries + last.entries
    }
  }

  /// The instrument takes the set-point; a driven one closes the circuit at 2 ms.
  mutating func accept() {
    guard let setpoint else { return }
    clock = 0
    feed(.driver(.began(channel: 0, setpoint.token)))
    if setpoint.mode != .openCircuit {
      feed(.driver(.circuitClosed(channel: 0, at: TimeSpan(milliseconds: 2))))
      if case .constantVoltage = setpoint.mode {
        feed(.driver(.holdBegan(channel: 0, at: TimeSpan(milliseconds: 2))))
      }
    }
  }

  /// A reading `seconds` after the one before.
  mutating func read(_ volts: Double?, _ amperes: Double?, after seconds: Double = 1, _ quality: ReadingQuality = []) {
    clock += seconds
    host += seconds
    let reading = Reading(
      time: TimeSpan(microseconds: Int64((clock * 1e6).rounded())),
      voltage: volts.map { Voltage(nanovolts: Int64(($0 * 1e9).rounded())) },
      current: amperes.map { Current(picoamperes: Int64(($0 * 1e12).rounded())) }, quality: quality)
    if judgesAll { feed(.driver(.reading(channel: 0, reading))) } else { feed(reading) }
  }

  /// The instrument opens the circuit and ends the set-point.
  mutating func end(_ end: SetpointEnd) {
    guard let setpoint else { return }
    if setpoint.mode != .openCircuit {
      feed(.driver(.circuitOpened(channel: 0, at: TimeSpan(microseconds: Int64((clock * 1e6).rounded())))))
    }
    feed(.driver(.ended(channel: 0, setpoint.token, end)))
  }

  /// An open-circuit check with these voltages.
  mutating func check(_ volts: [Double?]) {
    accept()
    for voltage in volts { read(voltage, 0) }
    end(.cutOff(0))
  }

  /// The daemon dies after its last commit, and another takes the run up.
  mutating func restart() throws {
    var writer = ByteWriter()
    pilot.checkpoint(into: &writer)
    pilot = try RunPilot(
      identity: Self.identity, program: pilot.program, settings: RunSettings(), checkpoint: writer.bytes,
      since: now.unix)
  }

  /// The steps that were taken, as the places in the program.
  var stepsTaken: [Int32] {
    journal.entries.compactMap { entry in
      if case .stepStarted(let row) = entry, row.programIndex >= 0 { return row.programIndex }
      return nil
    }
  }

  /// Begins the run and passes its pre-flight at a voltage.
  mutating func start(at volts: Double) {
    feed(.begin)
    check(Array(repeating: volts, count: 10))
  }
}
