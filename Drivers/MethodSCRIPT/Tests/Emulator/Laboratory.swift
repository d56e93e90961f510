// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import MethodSCRIPTEmulator
import VirtualLab

/// A cell that is a resistor and a capacitor in a row: voltage = start + charge / capacitance + current × resistance.
/// Voltage drives pass `(set − stored voltage) / resistance` without a change of the stored voltage in a stretch.
struct LinearCell: VirtualCell {
  var startVoltage = 1.0
  var capacitance = Double.infinity
  var resistance = 0.0
  /// The share of every charging coulomb that is lost.
  var lossShare = 0.0
  private(set) var terminalCharge = 0.0
  private(set) var lostCharge = 0.0
  /// Seconds under each kind of drive.
  private(set) var closedSeconds = 0.0

  var storedVoltage: Double { startVoltage + terminalCharge / capacitance }

  init(startVoltage: Double = 1, capacitance: Double = .infinity, resistance: Double = 0, lossShare: Double = 0) {
    self.startVoltage = startVoltage
    self.capacitance = capacitance
    self.resistance = resistance
    self.lossShare = lossShare
  }

  mutating func advance(seconds: Double, drive: CellDrive) {
    let amperes = current(under: drive)
    terminalCharge += amperes * seconds
    lostCharge += max(0, amperes) * seconds * lossShare
    if drive != .open { closedSeconds += seconds }
  }
  func voltage(under drive: CellDrive) -> Double {
    switch drive {
    case .open: storedVoltage
    case .current(let amperes): storedVoltage + amperes * resistance
    case .voltage(let volts, let limit):
      current(under: drive).magnitude < limit ? volts : storedVoltage + current(under: drive) * resistance
    }
  }
  func impedance(atHertz hertz: Double) -> (real: Double, imaginary: Double) {
    (resistance, -1 / (2 * Double.pi * hertz * capacitance))
  }
  func current(under drive: CellDrive) -> Double {
    switch drive {
    case .open: 0
    case .current(let amperes): amperes
    case .voltage(let volts, let limit):
      resistance > 0 ? min(max((volts - storedVoltage) / resistance, -limit), limit) : 0
    }
  }
}

/// An instrument on a table: lines in, lines out.
struct Laboratory {
  var instrument: MethodSCRIPTInstrument

  init(
    _ cell: LinearCell = LinearCell(), profile: MethodSCRIPTProfile = .emStat4HR, plateau: Double? = nil,
    converters: ConverterModel = .ideal, instructionSeconds: Double = 0.001, seed: UInt64 = 1
  ) {
    instrument = MethodSCRIPTInstrument(
      profile: profile, serial: "TEST0001", cell: cell, converters: converters, plateauThresholdVolts: plateau,
      instructionSeconds: instructionSeconds, seed: seed)
  }

  /// Sends text as it stands.
  mutating func send(_ text: String) { Array(text.utf8).withUnsafeBytes { instrument.receive($0) } }

  /// Lets time pass until nothing runs any more or the limit is reached, through host deadlines; the output in lines.
  mutating func run(until limit: Double = 1e6) -> [String] {
    var output: [UInt8] = []
    loop: while true {
      switch instrument.run(until: limit, output: &output, outputLimit: .max) {
      case .idle, .reachedLimit, .outputFull: break loop
      case .hostDeadline: continue
      }
    }
    return Self.lines(output)
  }

  /// Sends a script behind `e` and an empty line after it, and runs it.
  mutating func execute(_ script: String, until limit: Double = 1e6) -> [String] {
    send("e\n\(script)\n\n")
    return run(until: limit)
  }

  /// Complete lines; the last one, behind the last line feed, must be empty.
  static func lines(_ output: [UInt8]) -> [String] {
    var lines = String(decoding: output, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
      .map(String.init)
    if lines.last == "" { lines.removeLast() }
    return lines
  }

  /// The values of a package with their types, as numbers.
  static func package(_ line: String) -> [(type: String, value: Double, metadata: String)] {
    guard line.first == "P" else { return [] }
    return line.dropFirst().split(separator: ";").map { field in
      let prefixes: [Character: Double] = [
        "a": 1e-18, "f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, " ": 1, "i": 1, "k": 1e3, "M": 1e6,
      ]
      let digits = Array(field)
      let count = Int(String(digits[2..<9]), radix: 16).map { $0 - 0x800_0000 }
      let value = count.map { Double($0) * (prefixes[digits[9]] ?? .nan) } ?? .nan
      return (String(digits[0..<2]), value, String(digits.dropFirst(10)))
    }
  }
}
