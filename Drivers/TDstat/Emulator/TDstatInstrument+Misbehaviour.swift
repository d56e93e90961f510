// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import VirtualLab

extension TDstatInstrument {
  /// What it does to the cell now.
  public func terminals(channel: Int) -> TerminalState? {
    channel == 0 ? TerminalState(cell, under: drive) : nil
  }

  /// Lets it misbehave. The converters' words are all numbers.
  public mutating func misbehave(_ kind: Misbehaviour?, channel: Int) -> Bool {
    guard channel == 0, kind != .notANumber else { return false }
    let drive = drive
    fault = kind.map { MeterFault($0, volts: cell.voltage(under: drive), amperes: cell.current(under: drive)) }
    return true
  }

  /// Whether it says that it does not know a command; questions are answered.
  func isRefused(_ command: FirmwareCommand) -> Bool {
    guard fault?.kind == .refusing else { return false }
    switch command {
    case .readConverters, .readOffsets, .readOutputCalibration, .readShunts: return false
    case .cellOn, .cellOff, .potentiostatic, .galvanostatic, .range, .setOutput, .calibrateOutput, .saveOffsets,
      .setOutputCalibration, .saveShunts:
      return true
    }
  }

  /// What the converters see where there is so much; overdriven, both are beyond their ends on the side of the input.
  func shown(volts: Double, amperes: Double) -> (volts: Double, amperes: Double) {
    guard let fault else { return (volts, amperes) }
    guard fault.kind == .overload else { return (fault.volts(volts), fault.amperes(amperes)) }
    let end = 1.1 * board.fullScaleAmperes(range: range)
    return ((volts < 0 ? -1.1 : 1.1) * board.fullScaleVolts, amperes < 0 ? -end : end)
  }
}
