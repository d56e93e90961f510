// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import Quantities

/// The answer to `CM`: the commands of the language that an instrument knows and is licensed for, as 256 bits in 64
/// hexadecimal digits, the most significant first; bit n says that command n is there. The numbers are those of the
/// maker's public table.
struct FeatureMask: Sendable, Hashable {
  /// `meas_loop_eis`
  static let impedance = 31

  private var nibbles: [UInt8]

  /// Reads the digits; nil when they are no mask, as from an instrument that does not know the question.
  init?(_ digits: some StringProtocol) {
    let values = digits.compactMap(\.hexDigitValue)
    guard digits.utf8.count == 64, values.count == 64 else { return nil }
    nibbles = values.map(UInt8.init)
  }

  /// Whether a command is there.
  func contains(_ command: Int) -> Bool { nibbles[63 - command / 4] & 1 << (command % 4) != 0 }
}

extension MethodSCRIPTModel {
  /// What it can do, less what the mask says is not there. An instrument without a mask is believed; should it not have a
  /// command, it refuses the script before anything runs.
  func capabilities(with features: FeatureMask?) -> InstrumentCapabilities {
    var capabilities = capabilities
    if let features, !features.contains(FeatureMask.impedance), capabilities.kinds.remove(.impedanceSpectrum) != nil {
      capabilities.highestFrequency = nil
      capabilities.elsewhere[.impedanceSpectrum] =
        Self.names(thatCan: .impedanceSpectrum) + " with their maker's option for impedance, which this one lacks"
    }
    return capabilities
  }
}
