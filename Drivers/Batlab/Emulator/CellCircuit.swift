// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// One of the four circuits: a cell, the regulator before it, the registers of the firmware and what it does with them in
// each turn of its loop. Facts of hal.c of batlab-firmware-measure 7659373.

import VirtualLab

/// A circuit with its registers.
struct CellCircuit: Sendable {
  /// The number of registers.
  static let registerCount = 0x1F
  /// 1.8 V in counts; below it no cell is seen.
  private static let noCell = 13_107
  /// 0.01 V in counts.
  private static let backwards = 73

  var registers: [UInt16]
  /// What the regulator is set to, in 128ths of an ampere; it follows the set-point by one in each turn.
  var duty: UInt16 = 0
  var cell: (any VirtualCell)?
  var recorder: HalfCycleRecorder
  var lastStreamAt: UInt16 = 0
  /// What is wrong with it.
  var fault: MeterFault?
  /// Amperes that flow for each that is asked for.
  let gain: Double
  private var voltSeconds = 0.0
  private var ampereSeconds = 0.0

  init(cell: (any VirtualCell)?, gain: Double, plateauThreshold: Double?) {
    self.cell = cell
    self.gain = gain
    recorder = HalfCycleRecorder(plateauThreshold: plateauThreshold)
    registers = Self.defaults
    measureAtOnce()
  }

  /// As after power-on.
  static var defaults: [UInt16] {
    var registers = [UInt16](repeating: 0, count: registerCount)
    registers[0x03] = 256
    registers[0x05] = 27_000
    registers[0x0A] = 30_584
    registers[0x0B] = 20_389
    registers[0x0C] = 32_000
    registers[0x0D] = 32_000
    registers[0x0E] = 25_092
    registers[0x0F] = 20_825
    registers[0x16] = 1_500
    registers[0x17] = 3_380
    return registers
  }

  var mode: UInt16 {
    get { registers[0x00] }
    set { registers[0x00] = newValue }
  }
  var isDriven: Bool { mode == 3 || mode == 4 }
  /// Whether the regulator still moves.
  var isMoving: Bool { duty != (isDriven ? min(registers[0x03], 640) : 0) }

  var drive: CellDrive {
    guard isDriven, duty > 0 else { return .open }
    let amperes = Double(duty) / 128 * gain
    return .current(mode == 3 ? amperes : -amperes)
  }

  /// Volts at the terminals now.
  var volts: Double { cell?.voltage(under: drive) ?? 0 }

  // MARK: Time

  mutating func pass(_ seconds: Double, from time: Double, isMeasured: Bool) {
    guard cell != nil, seconds > 0 else { return }
    let drive = drive
    let start = moment(time)
    cell?.advance(seconds: seconds, drive: drive)
    let end = moment(time + seconds)
    recorder.add(from: start, to: end)
    guard isMeasured else { return }
    voltSeconds += (start.voltage + end.voltage) / 2 * seconds
    ampereSeconds += (cell?.current(under: drive).magnitude ?? 0) * seconds
  }

  private func moment(_ time: Double) -> HalfCycleRecorder.Moment {
    HalfCycleRecorder.Moment(
      time: time, charge: cell?.terminalCharge ?? 0, lost: cell?.lostCharge ?? 0, voltage: volts)
  }

  /// A turn of the loop: the regulator goes one step towards its set-point, or to 0 at once.
  mutating func turn() {
    guard isDriven, registers[0x03] > 0 else {
      duty = 0
      return
    }
    let target = min(registers[0x03], 640)
    if duty < target { duty += 1 }
    if duty > target { duty -= 1 }
  }

  // MARK: Measuring

  /// The end of the circuit's slice: what was measured in it goes into the registers.
  mutating func latch(sliceSeconds: Double, zeroAmpereThreshold: UInt16) {
    let (volts, amperes) = seen(voltSeconds / sliceSeconds, ampereSeconds / sliceSeconds)
    registers[0x07] = Self.voltageCounts(cell == nil ? 0 : volts)
    var current: UInt16 = 0
    if isDriven {
      current = UInt16(min(max((amperes / 4.096 * 32_768).rounded(), 0), 32_767))
      if current < zeroAmpereThreshold { current = 0 }
    }
    registers[0x06] = current
    let charge = (UInt32(registers[0x09]) << 16 | UInt32(registers[0x08])) &+ UInt32(current)
    registers[0x08] = UInt16(truncatingIfNeeded: charge)
    registers[0x09] = UInt16(truncatingIfNeeded: charge >> 16)
    if Double(duty) / 128 * gain > 4.096, isDriven {
      mode = 6
      registers[0x01] |= 0x0200
    }
    voltSeconds = 0
    ampereSeconds = 0
  }

  /// What its meter shows of a slice's means; above its converter's reach when that is overdriven.
  private func seen(_ volts: Double, _ amperes: Double) -> (volts: Double, amperes: Double) {
    guard let fault else { return (volts, amperes) }
    return fault.kind == .overload ? (10, amperes) : (fault.volts(volts), fault.amperes(amperes))
  }

  /// After power-on the firmware waits until it has measured.
  mutating func measureAtOnce() {
    registers[0x07] = Self.voltageCounts(volts)
    registers[0x06] = 0
    voltSeconds = 0
    ampereSeconds = 0
  }

  private static func voltageCounts(_ volts: Double) -> UInt16 {
    let counts = (volts / 4.5 * 32_768).rounded()
    // Only small negative voltages are said.
    guard counts > -29_128, counts < 32_767 else { return 0x7FFF }
    return UInt16(bitPattern: Int16(counts))
  }

  // MARK: Deciding

  /// What the loop makes of the registers.
  mutating func judge(settings: UInt16, hasSupply: Bool) {
    let status = status(hasSupply: hasSupply)
    registers[0x02] = status
    switch mode {
    case 0:
      if status & 0x80 == 0 { mode = 2 }
      if status & 0x40 != 0 { mode = 1 }
    case 1: if status & 0x40 == 0 { mode = 2 }
    case 2:
      if status & 0x80 != 0 { mode = 0 }
      if status & 0x40 != 0 { mode = 1 }
      registers[0x01] = 0
    case 3: guardCurrent(status & 0x0917, settings)
    case 4: guardCurrent(status & (settings & 0x0008 == 0 ? 0x092B : 0x082B), settings)
    default: break
    }
  }

  private mutating func guardCurrent(_ reasons: UInt16, _ settings: UInt16) {
    guard settings & 0x4000 == 0, reasons != 0 else { return }
    mode = 6
    registers[0x01] |= reasons
  }

  private func status(hasSupply: Bool) -> UInt16 {
    let voltage = Int(Int16(bitPattern: registers[0x07]))
    let current = Int(Int16(bitPattern: registers[0x06]))
    var status: UInt16 = 0
    if (voltage > -Self.backwards && voltage < Self.noCell) || voltage > 32_700 { status |= 0x80 }
    if voltage < -Self.backwards { status |= 0x40 }
    if voltage > Int(Int16(bitPattern: registers[0x0A])) { status |= 0x01 }
    if voltage < Int(Int16(bitPattern: registers[0x0B])) { status |= 0x02 }
    if current > Int(Int16(bitPattern: registers[0x0C])) { status |= 0x04 }
    if current > Int(Int16(bitPattern: registers[0x0D])) { status |= 0x08 }
    // The sensor's number falls with the temperature.
    if registers[0x05] < registers[0x0E] { status |= 0x10 }
    if registers[0x05] < registers[0x0F] { status |= 0x20 }
    if !hasSupply { status |= 0x0100 }
    return status
  }
}
