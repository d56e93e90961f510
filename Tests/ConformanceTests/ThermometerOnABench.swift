// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import LineThermometerEmulator
import VirtualLab

/// A thermometer as an instrument with no cell, so that its line can have the faults of the others'.
struct ThermometerOnABench: EmulatedInstrument {
  private var thermometer: LineThermometerInstrument
  private var said: [UInt8] = []

  init(degrees: Double) {
    thermometer = LineThermometerInstrument(
      serial: "T-0042", chamber: Chamber(temperature: degrees, target: degrees, timeConstant: 0))
  }

  var time: Double { thermometer.time }
  var hostDeadline: Double? { nil }
  func cellTruth(channel: Int) -> CellTruth { CellTruth() }

  mutating func receive(_ bytes: UnsafeRawBufferPointer) { thermometer.receive(bytes) }
  mutating func powerCycle() { thermometer.powerCycle(output: &said) }

  mutating func run(until limit: Double, output: inout [UInt8], outputLimit: Int) -> EmulatorPause {
    output += said
    said = []
    // Small turns, so that each line has its moment.
    while output.count < outputLimit, time < limit { thermometer.run(until: min(limit, time + 0.05), output: &output) }
    return output.count >= outputLimit ? .outputFull : .reachedLimit
  }
}
