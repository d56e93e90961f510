// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The two command sets of the family, as far as lines are the same for every set-point. The 2400 has one answer with
// voltage, current, time and status, and a clock that can be set to zero. The 2450 and 2460 ("interactive" in their
// maker's words) measure one quantity and read the other back from the source, tell limits and output in questions of
// their own, and their time counts from the first reading of a buffer; a moment without a reading has none.

/// What a model's lines look like.
enum ScpiDialect: Sendable, Hashable {
  /// The 2400's, over RS-232.
  case series2400
  /// The 2450's and 2460's own, with the command set `SCPI`.
  case interactive

  /// What is sourced, which decides what a measurement measures and what it reads back.
  enum Sourced: Sendable, Hashable {
    /// A current; the voltage is measured.
    case current
    /// A voltage; the current is measured.
    case voltage
  }

  /// Disconnects, and asks for both proofs: that it is off, and that off means disconnected. A 2450 has an off state
  /// for each of its two functions.
  var safeLine: String {
    switch self {
    case .series2400: ":OUTP:SMOD HIMP;:OUTP OFF;:SYST:TIME?;:OUTP:SMOD?;:OUTP?"
    case .interactive:
      ":OUTP:CURR:SMOD HIMP;:OUTP:VOLT:SMOD HIMP;:OUTP OFF;:OUTP:CURR:SMOD?;:OUTP:VOLT:SMOD?;:OUTP?"
    }
  }

  /// Disconnects an instrument of which nothing is known. Each line is a message of its own, because a 2450 leaves a
  /// line at the first command that it does not know; what is unknown lands in an error queue. High impedance comes
  /// first: off is otherwise a source of 0 V.
  static let prelude =
    "\n:OUTP:SMOD HIMP;:OUTP OFF\n:OUTP:CURR:SMOD HIMP\n:OUTP:VOLT:SMOD HIMP\n:OUTP OFF\n"

  /// The same for a 2450 or 2460 whose command set is TSP (2450 Reference Manual, TSP commands).
  static let preludeInTSP = "smu.source.offmode = smu.OFFMODE_HIGHZ\nsmu.source.output = smu.OFF\n"

  /// Switches on. Where the instrument has a clock that begins with a set-point, it is set to zero before.
  func closeLine(startsClock: Bool) -> String {
    switch self {
    case .series2400: (startsClock ? ":SYST:TIME:RES;" : "") + ":OUTP ON;:SYST:TIME?;:OUTP?;:SYST:ERR?"
    case .interactive: ":OUTP ON;:OUTP?;:SYST:ERR?"
    }
  }

  /// Whether it did switch on.
  var checkClosedLine: String {
    switch self {
    case .series2400: ":SYST:TIME?;:OUTP?;:SYST:ERR?"
    case .interactive: ":OUTP?;:SYST:ERR?"
    }
  }

  /// Sets the clock of measurements to zero.
  var clockLine: String {
    switch self {
    case .series2400: ":SYST:TIME:RES;"
    case .interactive: ":TRAC:CLE \"defbuffer1\";"
    }
  }

  /// Measures. Numbers of a 2450 have no fixed length, so each is asked for twice: a byte that got lost makes the two
  /// differ.
  func measureLine(_ sourced: Sourced) -> String {
    switch (self, sourced) {
    case (.series2400, _): ":READ?"
    case (.interactive, .current): ":READ? \"defbuffer1\",SOUR,READ,REL,SOUR,READ,REL;:SOUR:CURR:VLIM:TRIP?;:OUTP?"
    case (.interactive, .voltage): ":READ? \"defbuffer1\",SOUR,READ,REL,SOUR,READ,REL;:SOUR:VOLT:ILIM:TRIP?;:OUTP?"
    }
  }
}
