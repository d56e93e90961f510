// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import CyclerModel
public import CyclingRun
public import Quantities

/// What came of a rehearsal. Its size does not grow with the run but for a line a cycle and half-cycle.
public struct RehearsalReport: Sendable {
  /// The cycles, in order.
  public private(set) var cycles: [CycleSummary] = []
  /// What the tests of plating have come to, by number.
  public private(set) var tests: [EfficiencyTestRow] = []
  /// How many points of impedance spectra were measured.
  public private(set) var impedancePointCount = 0
  /// Warnings and alarms; of many the first.
  public private(set) var events: [EventRow] = []
  /// How many warnings and alarms there were.
  public private(set) var eventCount = 0
  /// Records that the store would hold.
  public private(set) var recordCount: Int64 = 0
  /// Charge that the finished half-cycles have moved, in both directions.
  public private(set) var movedCharge = Charge.zero
  /// The run's last state.
  public private(set) var state = RunState.queued
  /// Why it came to it; nil when nobody said.
  public private(set) var reason: String?
  /// The voltage against the time of the run.
  public private(set) var trace = VoltageTrace()
  private var stepStart = TimeSpan.zero

  /// So many events are kept.
  public static let keptEvents = 50

  /// Nothing yet.
  public init() {}

  /// Whether the run will not go on by itself.
  public var isOver: Bool { state.isFinal || state == .held || state == .paused }

  /// Takes what the run says.
  public mutating func hear(_ outputs: borrowing RunOutputs) {
    for entry in outputs.entries { hear(entry) }
    for record in outputs.records {
      recordCount += 1
      if let voltage = record.voltage { trace.add(voltage, at: stepStart + record.stepTime) }
    }
  }

  private mutating func hear(_ entry: JournalEntry) {
    switch entry {
    case .stepBegan(_, _, let testTime): stepStart = testTime
    case .halfCycleUpdated(let row): if row.endReason != nil { movedCharge += row.charge.magnitude }
    case .cycleClosed(_, let summary): cycles.append(summary)
    case .testUpdated(let row):
      if let place = tests.firstIndex(where: { $0.number == row.number }) {
        tests[place] = row
      } else {
        tests.append(row)
      }
    case .impedancePoint: impedancePointCount += 1
    case .runState(_, let newState, _, let newReason):
      state = newState
      reason = newReason
    case .event(let row) where row.severity != .info:
      eventCount += 1
      if events.count < Self.keptEvents { events.append(row) }
    case .event, .stepStarted, .temperature, .stepEnded, .halfCycleOpened, .latched, .checkpoint, .checkpointDropped,
      .amended,
      .amendmentRefused, .summaryUpdated:
      break
    }
  }
}
