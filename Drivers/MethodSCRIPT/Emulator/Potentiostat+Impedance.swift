// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import VirtualLab

extension Potentiostat {
  /// What the instrument makes of the cell's impedance in ohms at `hertz`, with a sine of that root mean square in volts.
  ///
  /// The current range follows the peak of the current between its bounds. Beyond the largest the current is clipped: the
  /// impedance then seems larger, and the status says overload.
  mutating func measureImpedance(_ hertz: Double, amplitude: Double, at now: Int64) -> (ScriptValue, ScriptValue) {
    settle(at: now)
    let impedance = cell.impedance(atHertz: hertz)
    let magnitude = (impedance.real * impedance.real + impedance.imaginary * impedance.imaginary).squareRoot()
    let peak = amplitude * 2.0.squareRoot() / max(magnitude, 1e-12)
    let range = followRange(of: peak)
    let largest = reach(of: range)
    let clipped = peak > largest ? peak / largest : 1
    func value(_ ohms: Double, _ type: VariableType) -> ScriptValue {
      var value = ScriptValue(ohms * clipped, type)
      value.isMeasured = true
      value.status = clipped > 1 ? 2 : 0
      value.range = range.index
      return value
    }
    return (value(impedance.real, .realImpedance), value(impedance.imaginary, .imaginaryImpedance))
  }
}
