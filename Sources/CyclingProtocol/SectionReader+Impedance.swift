// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// An impedance spectrum: the amplitude under the verb, two frequencies, how densely, and the most that may flow.

import CyclerModel
import Quantities

extension SectionReader {
  /// So many points a decade are more than a spectrum of a cell has features.
  private static let mostPointsPerDecade: Int64 = 20

  mutating func readImpedance(_ field: Field) -> WrittenStep? {
    guard let fields = object(field, what: "an impedance spectrum", known: Vocabulary.impedanceKeys),
      let verb = fields["impedance"]
    else { return nil }
    let amplitude = readAmplitude(verb)
    let from = required("from", of: fields, paste: #""from": "100 kHz""#).flatMap { positive($0, as: Frequency.self) }
    let to = required("to", of: fields, paste: #""to": "10 mHz""#).flatMap { positive($0, as: Frequency.self) }
    let density = required("points_per_decade", of: fields, paste: #""points_per_decade": 10"#)
      .flatMap { wholeNumber($0, in: 1...Self.mostPointsPerDecade) }
    let atMost = required("current_at_most", of: fields, paste: #""current_at_most": "1 mA""#).flatMap { current($0) }
    let label = label(fields)
    let limits = fields["limits"].flatMap { readStepLimits($0) }
    guard let amplitude, let from, let to, let density, let atMost else { return nil }
    let body = WrittenImpedance(
      amplitude: amplitude, from: from, to: to, pointsPerDecade: density, currentAtMost: atMost)
    return WrittenStep(site: fields.site, label: label, body: .impedance(body), limits: limits)
  }

  /// A voltage; a current would be a galvanostatic spectrum.
  private mutating func readAmplitude(_ field: Field) -> Sited<Voltage>? {
    if case .string(let text) = field.node.content, (try? CurrentExpression(written: text)) != nil {
      report(
        field, "a spectrum with a current for its amplitude is not yet supported",
        hint: "write the amplitude as a voltage, like `10 mV`: its root mean square around the open circuit")
      return nil
    }
    return positive(field, as: Voltage.self)
  }
}
