// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The engine records the readings around a plateau threshold and the metrics interpolate between them; with a correction
// for the cell's resistance both must mean the same voltage, so it is computed here, once.

public import Quantities

extension Voltage {
  /// The voltage less what the current makes at a resistance: of a discharge more, of a charge less. Rounded to the
  /// nanovolt, halves away from zero; what is beyond the range stays at its end.
  @inlinable
  public func lessDrop(of current: Current, at resistance: Resistance) -> Voltage {
    // pA · µΩ = 1e-9 nV.
    let product = Int128(current.picoamperes) * Int128(resistance.count)
    let drop = (product + (product < 0 ? -500_000_000 : 500_000_000)) / 1_000_000_000
    return Voltage(nanovolts: Int64(clamping: Int128(nanovolts) - drop))
  }
}
