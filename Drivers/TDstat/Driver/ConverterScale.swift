// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Between codes and quantities, in whole numbers. Sources: set_output and read_potential_current of the makers' clients. The
// two examples that decide about rounding are theirs: to the nearest, and of two to the even one.

import CyclerModel
import Quantities

/// What codes stand for on one instrument.
struct ConverterScale: Sendable, Hashable {
  let model: TDstatModel
  let calibration: StoredCalibration

  /// Counts of an input converter's full scale.
  private static let fullScale: Int128 = 1 << 21
  private static let million: Int128 = 1_000_000

  /// Volts between the sense leads.
  func voltage(_ word: ConverterWord) -> Voltage {
    let counts = Int128(word.counts - calibration.voltageOffset)
    return Voltage(nanovolts: rounded(counts * Int128(model.fullScale.nanovolts), over: Self.fullScale))
  }

  /// Amperes through a range's shunt.
  func current(_ word: ConverterWord, _ range: TDstatModel.Range) -> Current {
    let counts = Int128(word.counts - calibration.currentOffset)
    return Current(
      picoamperes: rounded(
        counts * Int128(range.fullScale.picoamperes) * Self.million, over: Self.fullScale * shunt(range)))
  }

  /// The code at which a potentiostat keeps a voltage.
  func code(_ voltage: Voltage) -> OutputCode {
    let distance = rounded(
      Int128(voltage.nanovolts) * Int128(OutputCode.middle), over: Int128(model.fullScale.nanovolts))
    return OutputCode(aroundMiddle: distance + quarter(calibration.voltageOffset))
  }

  /// The code at which a galvanostat keeps a current in a range.
  func code(_ current: Current, _ range: TDstatModel.Range) -> OutputCode {
    let distance = rounded(
      Int128(current.picoamperes) * Int128(OutputCode.middle) * shunt(range),
      over: Int128(range.fullScale.picoamperes) * Self.million)
    return OutputCode(aroundMiddle: distance + quarter(calibration.currentOffset))
  }

  /// A shunt in millionths of what it should be.
  private func shunt(_ range: TDstatModel.Range) -> Int128 {
    Self.million + Int128(calibration.shunts.indices.contains(range.place) ? calibration.shunts[range.place] : 0)
  }

  /// An offset of 22 bits in steps of 20.
  private func quarter(_ offset: Int64) -> Int64 { rounded(Int128(offset), over: 4) }
}

/// The nearest whole number to a quotient, of two the even one; `divisor` is above zero.
private func rounded(_ dividend: Int128, over divisor: Int128) -> Int64 {
  var (quotient, rest) = dividend.quotientAndRemainder(dividingBy: divisor)
  if rest < 0 { (quotient, rest) = (quotient - 1, rest + divisor) }
  if 2 * rest > divisor || (2 * rest == divisor && quotient % 2 != 0) { quotient += 1 }
  return Int64(clamping: quotient)
}
