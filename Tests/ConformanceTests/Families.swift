// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// One line a family. What is written in it, and why, is explained in docs/adding-an-instrument.md. Resolutions are those of
// the wire and of the emulator's ideal converters, latencies and reactions those of the drivers' READMEs: the time of a
// measurement, of the questions around it, and of the answers to them.

import BatlabDriver
import BatlabEmulator
import DriverTrials
import KeithleySCPIDriver
import KeithleySCPIEmulator
import KeithleyTSPDriver
import KeithleyTSPEmulator
import LineThermometerDriver
import MethodSCRIPTDriver
import MethodSCRIPTEmulator
import ReplayDriver
import RodeostatDriver
import RodeostatEmulator
import TDstatDriver
import TDstatEmulator
import TemplateDriver
import TemplateEmulator
import VirtualLab
import ZKEtechEBCDriver
import ZKEtechEBCEmulator

/// All families.
let families: [DriverFamily] = [
  // A count is a nanovolt here and a picoampere; a reading is told within a loop's turn.
  DriverFamily(
    "methodscript", MethodSCRIPTDriver.self, volts: 3, amperes: 100e-6, interval: 0.5,
    menu: [.rest, .charge, .discharge, .chargeAndHold, .hold, .sweep], voltageResolution: 1e-6, currentResolution: 1e-6,
    latency: 0.6, reaction: 4,
    makeInstrument: {
      MethodSCRIPTInstrument(
        profile: .emStat4HR, serial: "TRIAL", cell: $0, converters: .ideal, plateauThresholdVolts: nil, seed: 1)
    }),
  // Five digits and a half of 20 V; its source is 0.01 % and 0.005 % of its range off; 100 ms a measurement and 60 ms a line.
  DriverFamily(
    "keithley_scpi", KeithleySCPIDriver.self, volts: 3, amperes: 400e-6, interval: 1,
    menu: [.rest, .charge, .discharge, .chargeAndHold, .hold], voltageResolution: 0.5e-3, currentResolution: 1e-6,
    latency: 0.7, reaction: 6,
    makeInstrument: { KeithleyInstrument(serial: "1234567", cell: $0) }),
  // Two power-line cycles and 12 ms a measurement, its questions milliseconds; 10 uV in the range of 20 V, 10 nA in that of
  // 10 mA. A line has 0.9 s and two repetitions.
  DriverFamily(
    "keithley_scpi, 2450", KeithleySCPIDriver.self, volts: 3, amperes: 4e-3, interval: 1,
    menu: [.rest, .charge, .discharge, .chargeAndHold, .hold], voltageResolution: 20e-6, currentResolution: 20e-9,
    latency: 0.1, reaction: 3,
    makeInstrument: { KeithleyInstrument(.model2450, serial: "04456789", cell: $0) }),
  DriverFamily(
    "keithley_scpi, 2460", KeithleySCPIDriver.self, volts: 3, amperes: 4e-3, interval: 1,
    menu: [.rest, .charge, .discharge, .chargeAndHold, .hold], voltageResolution: 20e-6, currentResolution: 20e-9,
    latency: 0.1, reaction: 3,
    makeInstrument: { KeithleyInstrument(.model2460, serial: "04456790", cell: $0) }),
  // Six digits of 6 V and of 1 A; 42 ms a measurement and 60 ms a line of 57 bytes; watched each quarter of a second.
  DriverFamily(
    "keithley_tsp", KeithleyTSPDriver.self, volts: 3, amperes: 0.1, interval: 1,
    menu: [.rest, .charge, .discharge, .chargeAndHold, .hold], voltageResolution: 10e-6, currentResolution: 2e-6,
    latency: 0.2, reaction: 2,
    makeInstrument: { cell in
      TSPInstrument(serial: "1234567", cells: (cell, TrialCell(volts: 3, capacitance: 15, resistance: 0.2)))
    }),
  // Converters of 22 bits (8 V and 25 mA by 2^21) that average 80 ms and are read 91 ms after they began; 30 ms more until an
  // answer counts as whole. A conversion begins when the one before is read, so what a line delays (a quarter of a second at
  // most) counts twice. It has no limit, no clock and no watchdog; who leaves three questions unanswered for 0.3 s is gone, and
  // as many again may pass at the next opening.
  DriverFamily(
    "tdstat", TDstatDriver.self, volts: 3, amperes: 4e-3, interval: 0.5,
    menu: [.rest, .charge, .discharge, .chargeAndHold, .hold], voltageResolution: 10e-6, currentResolution: 50e-9,
    latency: 0.4, reaction: 2,
    makeInstrument: { tdstat(.tdstatv3, $0) }),
  // 13.4 V instead of 8.
  DriverFamily(
    "tdstat, mystat", TDstatDriver.self, volts: 3, amperes: 4e-3, interval: 0.5,
    menu: [.rest, .charge, .discharge, .chargeAndHold, .hold], voltageResolution: 15e-6, currentResolution: 50e-9,
    latency: 0.4, reaction: 2,
    makeInstrument: { tdstat(.mystat, $0) }),
  // As exact as the file, and told when it is due. Its lease is 256 lines, more than any stretch here has: who is not heard any
  // more plays a stretch to its end, 6 s at most.
  DriverFamily(
    "replay", ReplayDriver.self, volts: 3, amperes: 1e-3, interval: 0.5,
    menu: [.rest, .charge, .discharge, .chargeAndHold, .hold], voltageResolution: 1e-6, currentResolution: 1e-9,
    latency: 0.1, reaction: 3, hasChecksums: true, makeInstrument: { _ in RecordedCourse.makePlayer() }),
  // A count is 0.137 mV and 0.125 mA, a set-point 1/128 A; a cell is measured for 0.1 s in every 0.6 s.
  DriverFamily(
    "batlab", BatlabDriver.self, volts: 3, amperes: 0.5, interval: 1, menu: [.rest, .charge, .discharge],
    voltageResolution: 0.3e-3, currentResolution: 0.01, latency: 1.6, reaction: 6,
    makeInstrument: { BatlabInstrument(serial: 70_001, cells: [$0]) }),
  // A twelve-bit converter of ±10 V and ±1 mA, and the firmware's filter over 20 samples.
  DriverFamily(
    "rodeostat", RodeostatDriver.self, volts: 0.5, amperes: 300e-6, interval: 0.5, menu: [.rest, .hold, .sweep],
    voltageResolution: 3e-3, currentResolution: 5e-6, latency: 0.8, reaction: 4,
    makeInstrument: { RodeostatInstrument(deviceID: 70_001, cell: $0) }),
  // A count is 1 mV and 10 mA; reports every two seconds, which take 23 ms on the line.
  DriverFamily(
    "zketech_ebc", ZKEtechEBCDriver.self, volts: 3, amperes: 1, interval: 2,
    menu: [.rest, .charge, .discharge, .chargeAndHold],
    voltageResolution: 1e-3, currentResolution: 0.011, latency: 2.2, reaction: 8, hasChecksums: true,
    makeInstrument: { EBCInstrument(.a20, cell: $0) }),
  // Microvolts and nanoamperes on the wire, means of 20 ms; asked every 100 ms, and a question has 0.3 s and two repetitions.
  DriverFamily(
    "template", TemplateDriver.self, volts: 3, amperes: 500e-6, interval: 0.5,
    menu: [.rest, .charge, .discharge, .chargeAndHold, .hold],
    voltageResolution: 2e-6, currentResolution: 2e-9, latency: 0.1, reaction: 2, hasChecksums: true,
    makeInstrument: { TemplateInstrument(serial: "000042", cell: $0) }),
  // A thousandth of a degree, each second; it drives nothing.
  DriverFamily(
    "line_thermometer", LineThermometerDriver.self, volts: 21.5, amperes: 0, interval: 1, menu: [],
    voltageResolution: 0.001, currentResolution: 0, latency: 2, reaction: 2, hasChecksums: true,
    makeInstrument: { _ in ThermometerOnABench(degrees: 21.5) }),
]

private func tdstat(_ kind: TDstatBoard.Kind, _ cell: any VirtualCell) -> any EmulatedInstrument {
  var board = TDstatBoard(kind)
  board.calibrate()
  return TDstatInstrument(board: board, cell: cell)
}
