// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import DriverTrials
import Testing
import VirtualLab

/// That the emulators misbehave as they say they do. What drivers make of it is the matrix's.
@Suite struct MisbehaviourTests {
  private static let drivingFamilies = families.filter(\.drivesCells)

  private static func instrument(_ family: DriverFamily) -> FaultyInstrument {
    FaultyInstrument(family.makeInstrument(family.makeCell()))
  }

  @Test func whatTheProtocolsHaveWordsForIsWhatIsDocumented() {
    // docs/virtual-laboratory.md says so too.
    let lacking: [String: [Misbehaviour]] = [
      "batlab": [.notANumber], "rodeostat": [.notANumber], "tdstat": [.notANumber], "tdstat, mystat": [.notANumber],
      "zketech_ebc": [.refusing, .overload, .notANumber], "replay": [.liar, .overload, .notANumber],
    ]
    for family in Self.drivingFamilies {
      let instrument = Self.instrument(family)
      for kind in [
        Misbehaviour.liar, .refusing, .frozenReading, .wrongValue(WrongValue()), .overload, .notANumber,
      ] {
        let isLacking = lacking[family.name]?.contains(kind) == true
        #expect(instrument.canMisbehave(kind, channel: 0) != isLacking, "\(family.name): \(kind.name)")
      }
      #expect(!instrument.canMisbehave(.liar, channel: 99), "\(family.name)")
    }
  }

  @Test func wrongValuesReachTheHostAndTheCellIsAsItIs() {
    var wrong = WrongValue()
    wrong.voltageOffset = 0.1
    for family in Self.drivingFamilies {
      var trial = DriverTrial(family, seed: 1)
      trial.pass(family.introduction) { trial in trial.isIdentified }
      #expect(trial.judge.violations.isEmpty, "\(family.name): \(trial.judge.violations)")
      trial.instrument.schedule(ScheduledFault(.instrument(.wrongValue(wrong)), .time(trial.time)))
      trial.pass(10 * family.interval) { !$0.judge.violations.isEmpty }
      // The judge knows what is at the terminals: a reading of 0.1 V too much is one that was not measured.
      #expect(
        trial.judge.violations.first?.contains("a reading of") == true, "\(family.name): \(trial.judge.violations)")
    }
  }

  @Test func theTerminalsAreTheTruths() {
    for family in Self.drivingFamilies {
      let terminals = Self.instrument(family).terminals(channel: 0)
      // One that wakes up with a source of 0 V lets a little through.
      let drop = (terminals?.amperes.magnitude ?? 1) * family.makeCell().resistance
      #expect(terminals.map { abs($0.volts - family.volts) <= drop + 1e-9 } == true, "\(family.name)")
      #expect(terminals?.amperes.magnitude ?? 1 < family.amperes / 50, "\(family.name)")
      #expect(Self.instrument(family).terminals(channel: 99) == nil, "\(family.name)")
    }
  }
}
