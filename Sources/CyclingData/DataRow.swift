// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// One record of a table in base units; what is not known is not a number.
struct DataRow: Sendable, Hashable {
  /// Since the test began, s.
  var time = Double.nan
  /// Since the step began, s.
  var stepTime = Double.nan
  /// Positive charging, A.
  var current = Double.nan
  /// V.
  var voltage = Double.nan
  /// Changes when another step begins.
  var step = Double.nan
  /// The sign that the step's own word gives the current: 1 charges, -1 discharges, 0 says nothing.
  var typeSign = 0.0
  /// What the instrument's counters show, C.
  var firstCounter = Double.nan
  var secondCounter = Double.nan
  /// Its line in the file.
  var line = 0
}
