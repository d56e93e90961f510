// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Tests of plating, and what their steps are in them.

import CyclerModel
import Quantities

extension SectionReader {
  mutating func readTest(_ field: Field, role: CellRole?) -> WrittenStep? {
    guard let fields = object(field, what: "a test", known: Vocabulary.testKeys), let test = fields["test"] else {
      return nil
    }
    let kind = word(test, as: EfficiencyTestKind.self, what: "a test")
    let named = required("label", of: fields, paste: #""label": "reservoir""#)
    let label = named.flatMap { self.label($0) }
    let body = required("steps", of: fields, paste: #""steps": [ … ]"#).map { readSteps($0, role: role) }
    guard let kind, let label, let body else { return nil }
    let written = WrittenTest(kind: kind, steps: body.steps, isComplete: body.isComplete)
    return WrittenStep(site: fields.site, label: label, body: .test(written))
  }

  mutating func readPart(_ field: Field) -> Sited<EfficiencyTestPart>? {
    word(field, as: EfficiencyTestPart.self, what: "a part of a test").map { Sited(value: $0, site: site(field)) }
  }
}
