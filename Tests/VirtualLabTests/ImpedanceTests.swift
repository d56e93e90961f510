// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Glibc
import Testing
import VirtualLab

/// The impedance that a virtual cell states against what it does when it is driven by a sine.
@Suite struct ImpedanceTests {
  /// A current of that peak through a copy of the cell, in short constant pieces for whole periods, and the voltage's part
  /// at that frequency over the current's. The first `settling` periods are not counted, and what the voltage drifts from
  /// the first counted period to the one behind the last is taken off as a straight line.
  private static func driven(
    _ cell: some VirtualCell, hertz: Double, peak: Double, settling: Int, counted: Int, pieces: Int = 400
  ) -> (real: Double, imaginary: Double) {
    var cell = cell
    let step = 1 / hertz / Double(pieces)
    var voltages: [Double] = []
    for piece in 0...(settling + counted) * pieces {
      // The middle of each piece, for the current as for the voltage.
      let phase = 2 * Double.pi * (Double(piece % pieces) + 0.5) / Double(pieces)
      let drive = CellDrive.current(peak * sin(phase))
      cell.advance(seconds: step / 2, drive: drive)
      if piece >= settling * pieces { voltages.append(cell.voltage(under: drive)) }
      cell.advance(seconds: step / 2, drive: drive)
    }
    let drift = (voltages[counted * pieces] - voltages[0]) / Double(counted * pieces)
    var (inPhase, quadrature) = (0.0, 0.0)
    for piece in 0..<counted * pieces {
      let phase = 2 * Double.pi * (Double(piece % pieces) + 0.5) / Double(pieces)
      let voltage = voltages[piece] - drift * Double(piece)
      inPhase += voltage * sin(phase)
      quadrature += voltage * cos(phase)
    }
    let scale = 2 / Double(counted * pieces) / peak
    return (inPhase * scale, quadrature * scale)
  }

  /// A cell that has been moved to the middle of a branch and rested, in both directions.
  private static func rested(_ preset: String, milliamperes: Double, hours: Double) throws -> SodiumCell {
    var cell = try Presets.preset(preset).makeCell(seed: nil)
    cell.advance(seconds: hours * 3_600, drive: .current(milliamperes / 1_000))
    cell.advance(seconds: 7_200, drive: .open)
    return cell
  }

  @Test(arguments: [100.0, 1, 0.1, 0.03, 0.005])
  func whatACellStatesIsWhatItDoes(hertz: Double) throws {
    for (preset, milliamperes, hours) in [("hard-carbon", -0.036, 4.0), ("hard-carbon", -0.036, 8), ("nvpf", 0.1, 1)] {
      let cell = try Self.rested(preset, milliamperes: milliamperes, hours: hours)
      let stated = cell.impedance(atHertz: hertz)
      let settling = max(1, Int((5 * 240 * hertz).rounded(.up)))
      // So small that a period moves a millionth of the capacity at most.
      let measured = Self.driven(
        cell, hertz: hertz, peak: min(1e-6, 1e-6 * hertz), settling: min(settling, 40), counted: 4)
      let magnitude = (stated.real * stated.real + stated.imaginary * stated.imaginary).squareRoot()
      #expect(abs(measured.real - stated.real) < 0.01 * magnitude, "\(preset) \(hours) h: \(measured) \(stated)")
      #expect(abs(measured.imaginary - stated.imaginary) < 0.01 * magnitude, "\(preset): \(measured) \(stated)")
    }
  }

  /// At high frequencies only the resistance is left; at low ones the elements have joined it, and a slope stands behind.
  @Test func theEndsOfTheSpectrumAreTheCellsConstants() throws {
    let cell = try Self.rested("hard-carbon", milliamperes: -0.036, hours: 4)
    let high = cell.impedance(atHertz: 1e5)
    #expect(abs(high.real - 40) < 40 * 0.2 && abs(high.imaginary) < 0.01)
    let low = cell.impedance(atHertz: 1e-6)
    #expect(abs(low.real - high.real - 110) < 110 * 0.2 && low.imaginary < -1_000)
  }
}
