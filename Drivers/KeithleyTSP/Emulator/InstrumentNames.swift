// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The names under which the language reaches the instrument (Series 2600B Reference Manual, TSP command reference).

/// A part of the instrument that has attributes.
enum InstrumentObject: String, Sendable, Hashable, CaseIterable {
  /// `smua` or `smub`.
  case smu
  case source
  case measure
  case filter
  case timer
  case timerMeasure = "timer.measure"
  case trigger
  case errorqueue
  case format
  case localnode
  case status
  case script
  /// The front panel and the beeper: takes everything and does nothing that a cell could feel.
  case panel
}

/// A function of the instrument.
enum InstrumentCommand: String, Sendable, Hashable, CaseIterable {
  case print, delay, reset, waitcomplete, exit
  case measureVoltage = "measure.v"
  case measureCurrent = "measure.i"
  case measureBoth = "measure.iv"
  case measureResistance = "measure.r"
  case measurePower = "measure.p"
  case resetChannel = "smu.reset"
  case readTimer = "timer.measure.t"
  case resetTimer = "timer.reset"
  case waitForTrigger = "trigger.wait"
  case clearTrigger = "trigger.clear"
  case nextError = "errorqueue.next"
  case clearErrors = "errorqueue.clear"
  /// Of the front panel.
  case nothing
}
