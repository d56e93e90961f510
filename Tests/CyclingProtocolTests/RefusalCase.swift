// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingProtocol
import Quantities
import Testing

/// A protocol that must be refused, and how.
struct RefusalCase: CustomTestStringConvertible, Sendable {
  /// Which mistake it is.
  var name: String
  /// The file.
  var text: String
  /// Where the problem must be found.
  var path: String
  /// A part of what must be said.
  var message: String
  /// A part of what must be advised.
  var hint: String
  /// What is known of the cell when it is compiled.
  var cell = CellValues()
  /// The instrument for which it is compiled.
  var instrument: InstrumentLimits?

  var testDescription: String { name }

  init(
    _ name: String, _ sample: SampleProtocol, _ path: String, _ message: String, _ hint: String = "",
    cell: CellValues = CellValues(), instrument: InstrumentLimits? = nil
  ) {
    self.init(name, text: sample.text, path, message, hint, cell: cell, instrument: instrument)
  }

  init(
    _ name: String, text: String, _ path: String, _ message: String, _ hint: String = "",
    cell: CellValues = CellValues(), instrument: InstrumentLimits? = nil
  ) {
    self.name = name
    self.text = text
    self.path = path
    self.message = message
    self.hint = hint
    self.cell = cell
    self.instrument = instrument
  }

  /// A case that differs from the correct protocol in its steps.
  static func steps(
    _ name: String, _ steps: String, _ path: String, _ message: String, _ hint: String = "", role: String? = nil,
    cell: CellValues = CellValues(), instrument: InstrumentLimits? = nil
  ) -> RefusalCase {
    var sample = SampleProtocol()
    sample.steps = steps
    if let role { sample.cell = #"{"role": "\#(role)", "expect_open_circuit": {"from": "-0.2 V", "to": "3.3 V"}}"# }
    return RefusalCase(name, sample, path, message, hint, cell: cell, instrument: instrument)
  }

  /// A case that differs from the correct protocol in one closed step.
  static func step(
    _ name: String, _ step: String, _ path: String, _ message: String, _ hint: String = "",
    cell: CellValues = CellValues(), instrument: InstrumentLimits? = nil
  ) -> RefusalCase {
    .steps(name, "[\(step)]", "steps[0]\(path)", message, hint, cell: cell, instrument: instrument)
  }

  /// A case that differs from the correct protocol in its cell section.
  static func cell(_ name: String, _ section: String, _ path: String, _ message: String, _ hint: String = "")
    -> RefusalCase
  {
    var sample = SampleProtocol()
    sample.cell = section
    return RefusalCase(name, sample, path, message, hint)
  }

  /// A case that differs from the correct protocol in its limits.
  static func limits(
    _ name: String, _ find: String, _ replace: String, _ path: String, _ message: String, _ hint: String = "",
    steps: String = #"[{"rest": "10 min"}]"#, instrument: InstrumentLimits? = nil
  ) -> RefusalCase {
    var sample = SampleProtocol()
    sample.limits.replace(find, with: replace)
    sample.steps = steps
    return RefusalCase(name, sample, path, message, hint, instrument: instrument)
  }

  /// A case that differs from the correct protocol in one other part.
  static func part(
    _ name: String, _ path: String, _ message: String, _ hint: String = "", cell: CellValues = CellValues(),
    instrument: InstrumentLimits? = nil, _ change: (inout SampleProtocol) -> Void
  ) -> RefusalCase {
    var sample = SampleProtocol()
    change(&sample)
    return RefusalCase(name, sample, path, message, hint, cell: cell, instrument: instrument)
  }
}
