// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What is known of the family before any byte was exchanged.

import CyclerModel
public import InstrumentKit
import Quantities

extension ZKEtechEBCDriver {
  /// The adapter is a CH340 (1a86:7523) as in very many other things, which nobody should send a stop to unasked: the port
  /// is named by a person. The parity depends on the model, see the README.
  public static let descriptor = InstrumentDescriptor(
    family: "zketech_ebc", baudRate: 9_600, parities: [.odd, .even, .none], matches: [], maturity: .emulatedOnly)

  /// By the names of the models, such as `EBC-A20`.
  public static func capabilities(ofModel name: String) -> InstrumentCapabilities? {
    EBCModel.allCases.first { $0.name == name }?.capabilities
  }

  /// A stop, for all models. A frame that was cut off is ended by the first byte.
  public static var safeStopBytes: [UInt8] {
    var bytes: [UInt8] = []
    CommandFrame.stop.write(into: &bytes)
    return bytes
  }
}
