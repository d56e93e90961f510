// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CellMetrics
import CyclerModel
import CyclingEngine
import Quantities

/// A step's readings turned into records the way the daemon does it: integrated, then thinned.
struct RecordedStep {
  /// A record of every reading, and one for the opening.
  private(set) var all: [RecordRow] = []
  /// Indices in `all` of what must be kept: both ends, and the pairs around whatever turns.
  private(set) var required: Set<Int> = []
  /// Indices in `all` of what the rule keeps besides.
  private(set) var wanted: Set<Int> = []

  /// - Parameters:
  ///   - holdIndex: The reading that is the last of the constant-current phase, if there is a constant-voltage one.
  ///   - opening: When the circuit opened; it closed at the first reading.
  init(
    _ readings: [Reading], direction: Direction, plateauBelow: Voltage?, rule: RecordRule, holdIndex: Int? = nil,
    opening: TimeSpan
  ) {
    guard let first = readings.first, let last = readings.last else { return }
    var integral = ChargeIntegrator(direction: direction)
    var policy = RecordPolicy(rule: rule)
    var edges = PlateauEdges(threshold: plateauBelow, direction: direction)
    integral.circuitClosed(at: first.time)
    for (index, reading) in readings.enumerated() {
      integral.reading(reading)
      if index == holdIndex { integral.holdBegan(at: reading.time) }
      let time = reading.time - first.time
      let isHeld = holdIndex.map { index > $0 } ?? false
      all.append(row(time, reading, integral, isHeld ? .constantVoltage : []))
      if edges.crossed(reading.voltage, reading.current), index > 0 { required.formUnion([index - 1, index]) }
      if index == holdIndex { required.insert(index) }
      if policy.shouldRecord(time, reading.voltage, reading.current) {
        wanted.insert(index)
        policy.recorded(time, reading.voltage, reading.current)
      }
    }
    integral.circuitOpened(at: opening)
    let isHeld = holdIndex.map { $0 < readings.count } ?? false
    all.append(row(opening - first.time, last, integral, isHeld ? [.constantVoltage, .stepEnd] : .stepEnd))
    required.formUnion([0, all.count - 1])
    self.integral = integral
  }

  /// The integrator when the step had ended.
  private(set) var integral = ChargeIntegrator(direction: .none)

  /// The records that the daemon stores.
  var thinned: [RecordRow] { all.indices.filter { required.contains($0) || wanted.contains($0) }.map { all[$0] } }

  /// The records that must be kept and others with even chances.
  func thinned<Generator: RandomNumberGenerator>(using random: inout Generator) -> [RecordRow] {
    all.indices.filter { required.contains($0) || Bool.random(using: &random) }.map { all[$0] }
  }

  private func row(
    _ time: TimeSpan, _ reading: Reading, _ integral: ChargeIntegrator, _ flags: DataFlags
  ) -> RecordRow {
    RecordRow(
      stepID: 1, index: Int32(all.count), stepTime: time, voltage: reading.voltage, current: reading.current,
      charge: integral.charge, energy: integral.energy, flags: flags)
  }
}

extension HalfCycleAccumulator {
  /// Sums up whole steps.
  mutating func add(_ steps: [[RecordRow]]) {
    for step in steps {
      for row in step { record(row) }
      stepEnded()
    }
  }
}
