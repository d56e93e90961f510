// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A spectrum in words, and what it means for a cell whose host dies in the middle of a point.

import CyclerModel
import Quantities

extension ProgramListing {
  static func text(_ spectrum: ImpedanceSpectrum, _ mass: Mass?) -> String {
    "impedance spectrum of \(spectrum.amplitude.written) (root mean square) around the open circuit, "
      + "\(spectrum.points) points from \(spectrum.from.written) to \(spectrum.to.written), with at most "
      + "\(text(spectrum.currentAtMost, mass)); some \(roughly(spectrum.expectedTime))"
  }

  /// A point cannot be cut short by the instrument itself, nor judged before it is done.
  static func alone(_ spectrum: ImpedanceSpectrum) -> String {
    "should this machine die, the circuit stays closed until the point at hand is measured, for some "
      + "\(roughly(spectrum.expectedPoint)) at the longest, and for a lease"
  }

  private static func roughly(_ span: TimeSpan) -> String {
    span < TimeSpan(seconds: 120)
      ? TimeSpan(seconds: (span.microseconds + 999_999) / 1_000_000).written
      : ProgramWalk.roughly(Int128(span.microseconds))
  }
}
