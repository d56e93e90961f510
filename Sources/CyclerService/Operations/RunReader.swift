// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Turns a run's stored records into what a person follows: with the names of its cell and channel, the step's text,
// and how far the next cut-off is. Everything comes from the store, so nothing is shown before its commit.

internal import ControlAPI
internal import CycleStore
internal import CyclerModel
internal import CyclingProtocol
internal import Quantities

/// What is needed to show one run's records. Steps are remembered; there are as many as are being shown.
struct RunReader: Sendable {
  /// Its row; its names and numbers are used, so it is renewed when the row changes.
  var run: StoredRun { didSet { shown = nil } }
  /// By the revisions of its protocol.
  private let programs: [Int64: Program]
  /// The one that holds.
  var program: Program? { programs[run.protocolRevision] }
  /// Whether another revision has come since the programs were compiled.
  var isOutdated: Bool { programs[run.protocolRevision] == nil && !programs.isEmpty }
  private var steps: [Int64: StoredStep] = [:]
  private var shown: ShownStep?
  /// Whether the run has temperatures; where it has none, it is asked again after so many records.
  private var hasTemperatures = false
  private var recordsUntilAsked = 0
  private static let recordsBetweenQuestions = 64

  init(run: StoredRun, programs: [Int64: Program]) {
    self.run = run
    self.programs = programs
  }

  /// The step of a record.
  mutating func step(_ stepID: Int64, in view: StoreView) throws -> StoredStep? {
    if let known = steps[stepID] { return known }
    let count = RowIdentity.count(of: stepID)
    let found = try view.steps(run: run.runId, after: count - 1, limit: 64)
    if steps.count > 4_096 { steps.removeAll() }
    for step in found { steps[step.stepId] = step }
    return steps[stepID]
  }

  /// The cycle that a step belongs to.
  mutating func cycleNumber(of stepID: Int64, in view: StoreView) throws -> Int64? {
    if shown?.step.stepId == stepID { return shown?.step.cycleNumber }
    return try step(stepID, in: view)?.cycleNumber
  }

  /// A record as a client sees it.
  mutating func frame(_ record: RecordRow, in view: StoreView) throws -> RecordFrame? {
    if shown?.step.stepId != record.stepID {
      guard let step = try step(record.stepID, in: view) else { return nil }
      shown = ShownStep(step, programStep(of: step), of: run)
    }
    var frame = shown?.frame(record)
    if try mayHaveTemperature(in: view) { frame?.temperature_degC = try view.temperature(at: record)?.degreesCelsius }
    return frame
  }

  /// Most runs have no thermometer, and their readers pay nothing for it.
  private mutating func mayHaveTemperature(in view: StoreView) throws -> Bool {
    if hasTemperatures { return true }
    recordsUntilAsked -= 1
    guard recordsUntilAsked < 0 else { return false }
    recordsUntilAsked = Self.recordsBetweenQuestions
    hasTemperatures = try view.hasTemperatures(run: run.runId)
    return hasTemperatures
  }

  /// What a step does, in words.
  func text(of step: StoredStep) -> String? {
    if step.kind == StepKind.openCircuitCheck.rawValue { return "open circuit measured before a closed one" }
    return programStep(of: step).map { ProgramListing.step($0) }
  }

  func programStep(of step: StoredStep) -> ProgramStep? {
    guard let program = programs[step.protocolRevision], program.steps.indices.contains(Int(step.programIndex))
    else { return nil }
    return program.steps[Int(step.programIndex)]
  }
}

/// The step whose records are being shown: what all of them have in common is made once.
private struct ShownStep: Sendable {
  let step: StoredStep
  private let programStep: ProgramStep?
  private let common: RecordFrame

  init(_ step: StoredStep, _ programStep: ProgramStep?, of run: StoredRun) {
    self.step = step
    self.programStep = programStep
    common = RecordFrame(
      run: run.runId, cell: run.cellName, channel: run.channelName, cycle_number: step.cycleNumber,
      cell_cycle_number: step.cycleNumber.map { run.firstCycleNumber - 1 + $0 }, step_count: Int(step.stepCount),
      step_kind: step.kind, step_path: step.programPath, step_label: programStep?.label,
      direction: Direction(rawValue: Int8(clamping: step.direction)).map { "\($0)" } ?? "none",
      step_record_index: 0, test_time_s: 0, step_time_s: 0, unix_us: 0, step_charge_Ah: 0, step_energy_Wh: 0,
      flags: [])
  }

  func frame(_ record: RecordRow) -> RecordFrame {
    var frame = common
    frame.step_record_index = Int(record.index)
    frame.test_time_s = Double(step.startedTestTimeUs + record.stepTime.microseconds) / 1e6
    frame.step_time_s = record.stepTime.seconds
    frame.unix_us = step.startedUnixUs + record.stepTime.microseconds
    frame.voltage_V = record.voltage?.volts
    frame.current_A = record.current?.amperes
    frame.step_charge_Ah = record.charge.ampereHours
    frame.step_energy_Wh = record.energy.wattHours
    frame.next_cutoff = programStep.flatMap { CutoffDistance(of: $0, at: record) }
    frame.flags = record.flags.names
    return frame
  }
}

extension CutoffDistance {
  /// The nearest end of a step that a person can watch come closer: its voltage, otherwise its current, otherwise its
  /// time. Nil when the step has none of these.
  init?(of step: ProgramStep, at record: RecordRow) {
    let holds = record.flags.contains(.constantVoltage)
    func first(_ quantity: EndCondition.Quantity) -> EndCondition? {
      step.ends.first { $0.quantity == quantity && $0.also.isEmpty && $0.share == nil && (!$0.onlyInHold || holds) }
    }
    if case .impedance(let spectrum) = step.action, let end = step.ends.first {
      // Its end by time is a bound; what it is taken to need says more.
      let left = spectrum.expectedTime - record.stepTime
      self.init(condition: end.text, remaining: max(0, left.seconds), unit: "s")
    } else if holds, let end = first(.current), let current = record.current {
      let remaining = Double(Int64(clamping: current.picoamperes.magnitude) - end.threshold) / 1e12
      self.init(condition: end.text, remaining: abs(remaining), unit: "A")
    } else if case .constantCurrentConstantVoltage(_, _, let target) = step.action, let voltage = record.voltage, !holds
    {
      self.init(condition: "to \(target.volts) V", remaining: abs((voltage - target).volts), unit: "V")
    } else if let end = first(.voltage), let voltage = record.voltage {
      self.init(condition: end.text, remaining: abs(Double(voltage.nanovolts - end.threshold) / 1e9), unit: "V")
    } else if let end = first(.stepTime) {
      self.init(
        condition: end.text, remaining: max(0, Double(end.threshold - record.stepTime.microseconds) / 1e6), unit: "s")
    } else {
      return nil
    }
  }
}
