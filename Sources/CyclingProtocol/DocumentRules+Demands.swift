// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Where a power or a resistance may be driven.

import CyclerModel
import Quantities

extension DocumentRules {
  /// A cell of sodium against sodium stands at 0 V, where a power asks for any current and a resistance for none.
  mutating func judgeLaw(of drive: WrittenDrive) {
    guard let law = drive.law, let role = cell?.role, role == .platingStripping || role == .symmetric else { return }
    let (what, asked) =
      switch law.value {
      case .power: ("power", "any current")
      case .resistance: ("resistance", "none")
      }
    report(
      law.site, "role \(role.rawValue) stands near 0 V, where a constant \(what) asks for \(asked)",
      hint: "drive the cell by a current")
  }
}
