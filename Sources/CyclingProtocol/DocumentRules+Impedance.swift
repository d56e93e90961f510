// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What an impedance spectrum may say.

import CyclerModel
import Quantities

extension DocumentRules {
  /// Below this the answer of a cell drowns in the converters' errors.
  private static let leastAmplitude = Voltage(millivolts: 1)
  /// Above this no cell answers in proportion, and what was measured is no impedance.
  private static let mostAmplitude = Voltage(millivolts: 50)
  /// A point of a lower frequency would keep the circuit closed for an hour without anybody who could judge it.
  private static let lowestFrequency = Frequency(microhertz: 1_000)
  /// The most that any instrument of those that are driven does.
  private static let highestFrequency = Frequency(microhertz: 1_000_000_000_000)

  /// - Parameter before: the step before it in its own list.
  mutating func judge(_ impedance: WrittenImpedance, after before: WrittenStep?, at site: Site) {
    let amplitude = impedance.amplitude
    if amplitude.value < Self.leastAmplitude || amplitude.value > Self.mostAmplitude {
      report(
        amplitude.site, "an amplitude of \(amplitude.value.written)",
        hint: "from \(Self.leastAmplitude.written) to \(Self.mostAmplitude.written), as a root mean square")
    }
    for frequency in [impedance.from, impedance.to]
    where frequency.value < Self.lowestFrequency || frequency.value > Self.highestFrequency {
      report(
        frequency.site, "a frequency of \(frequency.value.written)",
        hint: "from \(Self.lowestFrequency.written) to \(Self.highestFrequency.written)")
    }
    if impedance.from.value == impedance.to.value {
      report(
        impedance.to.site, "the spectrum would end at the frequency at which it begins",
        hint: "write two frequencies, like `100 kHz` and `10 mHz`")
    }
    switch before?.body {
    case .rest, .impedance: break
    case .drive, .hold, .sweep, .profile, .block, .test, nil:
      report(
        site, "a spectrum is measured around the open circuit, and no rest stands before it",
        hint: #"put {"rest": "1 h"} before it: what still relaxes is measured too"#)
    }
  }
}
