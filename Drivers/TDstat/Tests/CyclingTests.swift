// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities
import TDstatEmulator
import Testing
import VirtualLab

@testable import TDstatDriver

/// Set-points against what really passed through the cell.
///
/// Where a bound is given for a charge it is made of what the instrument cannot tell: the answer to `CELL ON` or `CELL OFF`
/// comes a millisecond after or before what is told of the circuit; a count of the converter is full scale / 2^21, and half of
/// it may be added to each reading; in a hold a reading is the mean of 80 ms that ended 11 ms before its time, so that a
/// change of the current is seen late by 0.05 s, and by 0.1 s in the first reading.
@Suite struct CyclingTests {
  /// Coulombs that a course may be wrong by.
  private static func bound(
    _ laboratory: Laboratory, amperes: Double, fullScale: Double, change: Double = 0
  ) -> Double {
    let seconds = laboratory.closed.reduce(0) { $0 + $1.upperBound - $1.lowerBound }
    return 0.002 * amperes * Double(laboratory.closed.count) + fullScale / Double(1 << 22) * seconds + 0.15 * change
  }

  @Test(arguments: [-1_000.0, 1_000, -150, 15, -1.5]) func aCurrentIsCounted(current: Double) throws {
    var laboratory = try Laboratory.identified()
    let before = laboratory.trueCharge
    laboratory.run(
      setpoint(
        .constantCurrent(microamperes(current)), until: [after(seconds: 120)], range: abs(current), every: 1_000),
      atMost: 130)
    #expect(laboratory.end == .cutOff(0) && laboratory.circuit == .openConfirmed && !laboratory.instrument.isClosed)
    let range = try #require(TDstatModel.tdstatv3.range(holding: microamperes(current)))
    let allowed = Self.bound(
      laboratory, amperes: abs(current) * 1e-6, fullScale: range.fullScale.amperes)
    let error = laboratory.measuredCharge - (laboratory.trueCharge - before)
    print("\(current) µA: error \(error) C of \(laboratory.trueCharge - before) C, allowed \(allowed) C")
    #expect(abs(error) <= allowed)
    #expect(laboratory.readings.count >= 119 && laboratory.readings.allSatisfy { $0.quality.isEmpty })
    #expect(laboratory.readings.allSatisfy { $0.range == UInt16(range.number) })
    // A step of the output is four counts of the input.
    let step = range.fullScale.amperes / Double(1 << 19)
    #expect(laboratory.readings.allSatisfy { abs(($0.current?.amperes ?? 9) - current * 1e-6) <= step })
    #expect(laboratory.readings.last.map { $0.time >= TimeSpan(seconds: 120) } == true)
    #expect(laboratory.readings.last.map { $0.time < TimeSpan(milliseconds: 120_100) } == true)
  }

  @Test func aCutOffIsMetWithinAConversion() throws {
    var laboratory = try Laboratory.identified()
    let target = laboratory.trueVoltage - 0.15
    laboratory.run(
      setpoint(.constantCurrent(microamperes(-1_500)), until: [voltage(.atMost, target)], every: 10_000), atMost: 3_000)
    #expect(laboratory.end == .cutOff(0))
    let readings = laboratory.readings.suffix(2)
    let last = try #require(readings.last)
    #expect(last.voltage.map { $0 <= volts(target) && $0 > volts(target - 0.001) } == true)
    #expect(try #require(readings.first).voltage.map { $0 > volts(target) } == true)
  }

  @Test func aHoldKeepsItsVoltage() throws {
    var laboratory = try Laboratory.identified()
    let target = laboratory.trueVoltage + 0.015
    let before = laboratory.trueCharge
    laboratory.run(
      setpoint(.constantVoltage(volts(target)), until: [after(seconds: 300)], every: 50), atMost: 310)
    #expect(laboratory.end == .cutOff(0) && laboratory.circuit == .openConfirmed)
    // Half a step of the output and half a count of the input.
    let step = 8 / Double(1 << 20) + 8 / Double(1 << 22)
    #expect(laboratory.readings.allSatisfy { abs(($0.voltage?.volts ?? 99) - target) <= step })
    let currents = laboratory.readings.compactMap(\.current?.amperes)
    let change = (currents.max() ?? 0) - (currents.min() ?? 0)
    let allowed = Self.bound(laboratory, amperes: currents.first ?? 0, fullScale: 0.025, change: change)
    let error = laboratory.measuredCharge - (laboratory.trueCharge - before)
    print("hold: error \(error) C of \(laboratory.trueCharge - before) C, allowed \(allowed) C")
    #expect(currents.count > 3_000 && abs(error) <= allowed)
  }

  /// A hard-carbon half cell, two cycles: down by current, up by current and hold.
  @Test func cyclesAreCountedAsTheyWere() throws {
    var laboratory = try Laboratory.identified(cell: try Laboratory.cell())
    laboratory.isRecording = false
    let before = laboratory.instrument.cellTruth(channel: 0)
    #expect(before.closed.isEmpty && before.open == nil, "nothing flows before")
    var measured: [(charge: Double, allowed: Double)] = []
    for _ in 0..<2 {
      laboratory.run(
        setpoint(.constantCurrent(microamperes(-700)), until: [voltage(.atMost, 0.005)], range: 700), atMost: 9_000)
      #expect(laboratory.end == .cutOff(0))
      measured.append((laboratory.measuredCharge, Self.bound(laboratory, amperes: 7e-4, fullScale: 0.025)))
      laboratory.run(
        setpoint(
          .constantCurrentThenVoltage(microamperes(700), volts(1.5)), until: [heldCurrent(below: 70)], range: 700,
          every: 50), atMost: 9_000)
      #expect(laboratory.end == .cutOff(0) && laboratory.closed.count == 2)
      let hold = try #require(laboratory.holdBeganAt)
      let held = laboratory.readings.filter { $0.time.seconds > hold }
      #expect(held.count > 5 && held.allSatisfy { abs(($0.voltage?.volts ?? 9) - 1.5) < 1e-5 })
      measured.append(
        (laboratory.measuredCharge, Self.bound(laboratory, amperes: 7e-4, fullScale: 0.025, change: 7e-4)))
    }
    let truth = laboratory.instrument.cellTruth(channel: 0)
    let halves = truth.closed + (truth.open.map { [$0] } ?? [])
    #expect(halves.map(\.direction) == [-1, 1, -1, 1])
    for (half, (charge, allowed)) in zip(halves, measured) {
      let error = charge.magnitude - half.terminalCharge
      print(
        "half-cycle: \(charge) C, error \(error) C (\(error / half.terminalCharge * 1e6) ppm), allowed \(allowed) C")
      #expect(abs(error) <= allowed && charge * Double(half.direction) > 0)
      // And what is allowed is little: 400 ppm.
      #expect(allowed < 4e-4 * half.terminalCharge)
    }
  }

  @Test func aRestMeasuresAndLetsNothingFlow() throws {
    var laboratory = try Laboratory.identified()
    let before = laboratory.trueCharge
    laboratory.run(setpoint(.openCircuit, until: [after(seconds: 60)], every: 5_000), atMost: 70)
    #expect(laboratory.end == .cutOff(0) && laboratory.closed.isEmpty)
    #expect(laboratory.trueCharge == before)
    // It counts from the acknowledged `CELL OFF`: two conversions, the first of which had begun before.
    let first = try #require(laboratory.readings.first)
    #expect(first.time > TimeSpan(milliseconds: 178) && first.time < TimeSpan(milliseconds: 274))
    #expect(laboratory.readings.count >= 12 && laboratory.readings.allSatisfy { $0.current == .zero && $0.range == 0 })
    #expect(laboratory.readings.allSatisfy { abs(($0.voltage?.volts ?? 9) - laboratory.trueVoltage) < 2e-4 })
  }

  /// The voltage bound of a charge does not count while a cell discharges.
  @Test func boundsActInTheirDirection() throws {
    var laboratory = try Laboratory.identified()
    let stands = Int64(laboratory.trueVoltage * 1e3)
    laboratory.run(
      setpoint(.constantCurrent(microamperes(-500)), until: [after(seconds: 5)], upper: stands - 200), atMost: 9)
    #expect(laboratory.end == .cutOff(0))
    laboratory.run(
      setpoint(.constantCurrent(microamperes(500)), until: [after(seconds: 5)], upper: stands - 200), atMost: 9)
    #expect(laboratory.end?.fault?.code == .instrumentBoundReached && laboratory.readings.count == 1)
    #expect(laboratory.closed[0].upperBound < 0.12, "at its first conversion")
  }

  // MARK: Ranges

  /// Another range is selected with the cell disconnected, and two conversions pass before it is connected.
  @Test func aRangeIsSelectedWithTheCellDisconnected() throws {
    var laboratory = try Laboratory.identified()
    for (current, range) in [(1_000.0, "RANGE 1"), (150, "RANGE 2"), (-1.5, "RANGE 3"), (-1_000, "RANGE 1")] {
      let before = laboratory.trueCharge
      laboratory.run(
        setpoint(.constantCurrent(microamperes(current)), until: [after(seconds: 10)], range: abs(current)), atMost: 15)
      #expect(laboratory.end == .cutOff(0), "\(current)")
      let place = try #require(laboratory.words.firstIndex(of: range))
      let connected = try #require(laboratory.words.firstIndex(of: "CELL ON"))
      #expect(laboratory.words[place..<connected].count { $0 == "ADCREAD" } >= 3)
      #expect(laboratory.words[connected...].count { $0.hasPrefix("RANGE") } == 0)
      let passed = laboratory.trueCharge - before
      #expect(abs(passed - current * 1e-6 * 10) < 0.015 * abs(current) * 1e-6 * 10)
    }
  }

  @Test func aMystatReachesTwoHundredMilliamperes() throws {
    var board = TDstatBoard(.mystat)
    board.storedShunts = [0x80, 0, 0x80, 0, 0x80, 0, 0x80, 0]
    // Ten thousand times the cell in one: little moves in a minute.
    var laboratory = try Laboratory.identified(board, cell: Dummy(farads: 1_000, ohms: 2, volts: 3))
    laboratory.run(
      setpoint(.constantCurrent(microamperes(150_000)), until: [after(seconds: 60)], range: 150_000), atMost: 70)
    #expect(laboratory.end == .cutOff(0) && laboratory.readings.allSatisfy { $0.range == 1 })
    #expect(abs(laboratory.trueCharge - 9) < 0.02 && abs(laboratory.measuredCharge - laboratory.trueCharge) < 0.001)
    laboratory.run(
      setpoint(.constantVoltage(volts(laboratory.trueVoltage)), until: [after(seconds: 10)], range: 15_000), atMost: 20)
    #expect(laboratory.end == .cutOff(0) && laboratory.readings.allSatisfy { $0.range == 2 })
    let held = laboratory.trueVoltage
    #expect(laboratory.readings.allSatisfy { abs(($0.voltage?.volts ?? 0) - held) < 13.4 / Double(1 << 19) })
  }

  // MARK: Calibration

  /// A board that is off everywhere, and whose memory knows by how much.
  private static func board(isStored: Bool) -> TDstatBoard {
    var board = TDstatBoard()
    board.voltageOffset = 1_200
    board.currentOffset = -800
    board.shunts = [1.01, 0.99, 1.02]
    guard isStored else { return board }
    func bytes(_ distance: Int) -> [UInt8] {
      let code = distance + (1 << 19)
      return [UInt8(code >> 12), UInt8(code >> 4 & 0xFF), UInt8(code << 4 & 0xFF)]
    }
    board.storedOffsets = bytes(1_200) + bytes(-800)
    board.storedShunts = [10_000, -10_000, 20_000].flatMap { (ppm: Int) -> [UInt8] in
      [UInt8((ppm + 32_768) >> 8), UInt8((ppm + 32_768) & 0xFF)]
    }
    return board
  }

  @Test(arguments: [(1_000.0, 0.025 / 1.01), (-100.0, 0.000_25 / 0.99), (1.0, 0.000_002_5 / 1.02)])
  func aStoredCalibrationIsApplied(current: Double, fullScale: Double) throws {
    var laboratory = try Laboratory.identified(Self.board(isStored: true))
    #expect(laboratory.identity?.firmware == "calibrated")
    let before = laboratory.trueCharge
    laboratory.run(
      setpoint(.constantCurrent(microamperes(current)), until: [after(seconds: 60)], range: abs(current)), atMost: 70)
    #expect(laboratory.end == .cutOff(0))
    let passed = laboratory.trueCharge - before
    let allowed = Self.bound(laboratory, amperes: abs(current) * 1e-6, fullScale: fullScale)
    print("calibrated \(current) µA: \(laboratory.measuredCharge - passed) C, allowed \(allowed) C")
    #expect(abs(laboratory.measuredCharge - passed) <= allowed)
    // The current itself is off by half a step of the output at most.
    let seconds = laboratory.closed.reduce(0) { $0 + $1.upperBound - $1.lowerBound }
    #expect(
      abs(passed - current * 1e-6 * seconds) <= fullScale / Double(1 << 20) * seconds + 0.002 * abs(current) * 1e-6)
    laboratory.run(setpoint(.openCircuit, until: [after(seconds: 60)]), atMost: 70)
    let stands = laboratory.trueVoltage
    #expect(abs((laboratory.readings.last?.voltage?.volts ?? 9) - stands) < 0.001)
  }

  /// As a bench sets them up: whatever a board is, what is measured is what flows.
  @Test(arguments: ["tdstatv3", "mystat"]) func aBenchsModelsAreCounted(name: String) throws {
    let model = try #require(TDstatModels.all.first { $0.name == name })
    #expect(model.channels == 1 && model.identification == .none && !model.hasItsOwnTime)
    for converters in ConverterKind.allCases {
      let seed = UInt64.random(in: 0 ... .max)
      print("seed \(seed)")
      let cell = try Laboratory.cell(charged: -0.5)
      var parts = EmulatedParts(number: 1, serial: "", cells: [cell], seed: seed)
      parts.converters = converters
      let instrument = try #require(model.make(parts) as? TDstatInstrument)
      #expect(instrument.board.shunts.isEmpty == (converters == .ideal))
      var laboratory = Laboratory(instrument)
      try laboratory.introduce()
      #expect(laboratory.identity?.firmware == "calibrated")
      laboratory.run(setpoint(.constantCurrent(microamperes(1_000)), until: [after(seconds: 60)]), atMost: 70)
      let allowed = Self.bound(laboratory, amperes: 1e-3, fullScale: 0.025 / 0.99)
      // The memory keeps a shunt to half a millionth.
      let error = laboratory.measuredCharge - (laboratory.trueCharge - cell.terminalCharge)
      #expect(laboratory.end == .cutOff(0) && abs(error) <= allowed + 0.06 * 5e-7)
    }
  }

  /// Without one, offsets of nothing and shunts of one are taken: what is measured is off by what the board is.
  @Test func withoutAStoredCalibrationTheBoardIsTaken() throws {
    var laboratory = try Laboratory.identified(Self.board(isStored: false))
    #expect(laboratory.identity?.firmware == "never calibrated: offsets, shunts")
    let before = laboratory.trueCharge
    laboratory.run(setpoint(.constantCurrent(microamperes(1_000)), until: [after(seconds: 60)]), atMost: 70)
    #expect(laboratory.end == .cutOff(0))
    let passed = laboratory.trueCharge - before
    let seconds = laboratory.closed.reduce(0) { $0 + $1.upperBound - $1.lowerBound }
    // The offset of -800 counts of 2^21 is added to what flows, the shunt divides it.
    let expected = (1e-3 + 800 / Double(1 << 21) * 0.025) / 1.01
    #expect(abs(passed / seconds / expected - 1) < 1e-4)
    #expect(laboratory.readings.allSatisfy { abs(($0.current?.amperes ?? 0) - 1e-3) < 5e-8 })
  }

  /// With an output that was never calibrated no current and no voltage is what it should be: only rests are taken.
  @Test func anOutputThatWasNeverCalibratedDrivesNothing() throws {
    var board = TDstatBoard()
    board.storedOutput = [UInt8](repeating: 0xFF, count: 6)
    var laboratory = try Laboratory.identified(board)
    #expect(laboratory.identity?.firmware == "never calibrated: offsets, output, shunts")
    for mode: Setpoint.Mode in [.constantCurrent(microamperes(100)), .constantVoltage(volts(1))] {
      laboratory.run(setpoint(mode), atMost: 5)
      #expect(laboratory.refusal?.code == .instrumentRefused && laboratory.packets.isEmpty)
      #expect(laboratory.refusal?.detail.contains("DACCAL") == true)
    }
    laboratory.run(setpoint(.openCircuit, until: [after(seconds: 1)]), atMost: 5)
    #expect(laboratory.end == .cutOff(0) && !laboratory.readings.isEmpty)
  }
}

/// A capacitor behind a resistor.
struct Dummy: VirtualCell {
  var farads: Double
  var ohms: Double
  var volts: Double
  var terminalCharge = 0.0
  var lostCharge: Double { 0 }

  init(farads: Double, ohms: Double, volts: Double) {
    self.farads = farads
    self.ohms = ohms
    self.volts = volts
  }

  mutating func advance(seconds: Double, drive: CellDrive) {
    // Small steps, so that a hold follows itself.
    var left = seconds
    while left > 0 {
      let step = min(left, 0.01)
      let passed = current(under: drive) * step
      terminalCharge += passed
      volts += passed / farads
      left -= step
    }
  }

  func voltage(under drive: CellDrive) -> Double { volts + current(under: drive) * ohms }

  func current(under drive: CellDrive) -> Double {
    switch drive {
    case .open: 0
    case .current(let amperes): amperes
    case .voltage(let held, let limit): min(max((held - volts) / ohms, -limit), limit)
    }
  }

  func impedance(atHertz hertz: Double) -> (real: Double, imaginary: Double) { (ohms, 0) }
}
