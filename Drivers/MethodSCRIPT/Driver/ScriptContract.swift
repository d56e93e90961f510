// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What our scripts and our driver agree on: the numbers with which a script says what it does and why it ended.

/// The kinds of marks; a mark is a package whose first variable is of type `ja`.
enum Mark {
  /// `ja=1;eb`: the circuit was closed at that moment.
  static let closed: Int64 = 1
  /// `ja=2;eb`: the circuit was opened at that moment and the script goes on.
  static let opened: Int64 = 2
  /// `ja=3;eb`: the circuit was closed at that moment and the voltage is held from there.
  static let closedForHold: Int64 = 3
  /// `ja=4;eb`: the lease was begun or renewed at that moment; only where measuring loops also end for another reason.
  static let leased: Int64 = 4
  /// `ja=5;eb;dc;cc;cd`: a point of a spectrum was done at that moment; frequency, real and imaginary impedance.
  static let point: Int64 = 5
  /// `ja=6;ba`: the current that was measured after the cell had been disconnected.
  static let proof: Int64 = 6
  /// `ja=9;jb;eb;eb;ab;ba`: the cell is disconnected; reason, moment, time of the last sample, last voltage and current.
  static let final: Int64 = 9
}

/// Why a script ended, as its variable `c` says.
enum Reason {
  /// Nothing happened yet.
  static let none: Int64 = 0
  /// Constant current reached the voltage that is held now; not an end.
  static let holding: Int64 = 1
  /// A measuring loop ran to its end without the host's `Y`.
  static let leaseExpired: Int64 = 2
  /// The upper voltage was passed while charging.
  static let upperVoltage: Int64 = 3
  /// The lower voltage was passed while discharging.
  static let lowerVoltage: Int64 = 4
  /// The current was larger than allowed.
  static let current: Int64 = 5
  /// The set-point lasted too long.
  static let duration: Int64 = 6
  /// The first cut-off; the others follow.
  static let firstCutOff: Int64 = 10
}

/// The words of the line with which a script names itself when it ends: `nacycler RUN STEPCOUNT driven`, or `rest`.
enum Signature {
  static let word = "nacycler"
  static let driven = "driven"
  static let rest = "rest"
}
