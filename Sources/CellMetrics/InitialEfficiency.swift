// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import CyclerModel

/// The initial coulombic efficiency (ICE) of a cell.
public enum InitialEfficiency {
  /// The ICE as a fraction, if `cycle` is the one that tells it: the first of the cell's life, formation included, and
  /// complete. A later cycle is never the initial one, however the first went; a second run on a cell has no ICE.
  public static func value(of cycle: CycleSummary) -> Double? {
    cycle.cellCycleNumber == 1 ? cycle.coulombicEfficiency : nil
  }
}
