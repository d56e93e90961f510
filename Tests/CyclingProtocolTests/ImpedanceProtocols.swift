// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingProtocol
import Quantities
import Testing

/// Impedance spectra, right and wrong.
enum ImpedanceProtocols {
  private static let noSpectra: InstrumentLimits = {
    var limits = InstrumentLimits.small
    limits.kinds = [.rest, .constantCurrent]
    limits.elsewhere = [.impedanceSpectrum: "Model A, Model B"]
    return limits
  }()
  private static let slow: InstrumentLimits = {
    var limits = InstrumentLimits.small
    limits.highestFrequency = Frequency(hertz: 10_000)
    return limits
  }()

  /// A spectrum behind a rest, with a part of it changed.
  private static func wrong(
    _ name: String, _ find: String = "", _ replace: String = "", _ path: String, _ message: String, _ hint: String = "",
    instrument: InstrumentLimits? = nil
  ) -> RefusalCase {
    let right =
      #"{"impedance": "10 mV", "from": "100 kHz", "to": "10 mHz", "points_per_decade": 10, "current_at_most": "0.5 mA"}"#
    return .steps(
      name, #"[{"rest": "1 h"}, "# + (find.isEmpty ? right : right.replacing(find, with: replace)) + "]",
      "steps[1]\(path)", message, hint, instrument: instrument)
  }

  static let malformed: [RefusalCase] = [
    .steps(
      "spectrum that is gone to under a current",
      #"[{"charge": "0.1 mA", "until": [{"when": "voltage >= 1 V", "go": "eis"}, "step_time >= 1 h"]}, {"rest": "1 h"}, "#
        + #"{"impedance": "10 mV", "from": "1 kHz", "to": "1 Hz", "points_per_decade": 5, "current_at_most": "1 mA", "#
        + #""label": "eis"}]"#, "steps[0].until[0].go", "behind the rest before it", "give it the label"),
    wrong("spectrum without a bound", #", "current_at_most": "0.5 mA""#, "", ".current_at_most", "missing"),
    wrong("spectrum without a density", #""points_per_decade": 10, "#, "", ".points_per_decade", "missing"),
    wrong("spectrum without an end", #""to": "10 mHz", "#, "", ".to", "missing"),
    wrong("spectrum of half a point", "10,", "2.5,", ".points_per_decade", "whole number"),
    wrong("spectrum of a thousand points a decade", "10,", "1000,", ".points_per_decade", "from 1 to 20"),
    wrong("spectrum of nothing", #""10 mV""#, #""0 mV""#, ".impedance", "more than nothing"),
    wrong("spectrum of a volt", #""10 mV""#, #""1 V""#, ".impedance", "amplitude of 1 V", "root mean square"),
    wrong("spectrum with a current", #""10 mV""#, #""10 uA""#, ".impedance", "not yet supported", "10 mV"),
    wrong("spectrum with a rate", #""10 mV""#, #""C/10""#, ".impedance", "not yet supported"),
    wrong("spectrum of a microhertz", "10 mHz", "1 uHz", ".to", "frequency of 1 uHz", "1 mHz"),
    wrong("spectrum of radio waves", "100 kHz", "10 MHz", ".from", "frequency of 10 MHz", "1 MHz"),
    wrong("spectrum of one frequency", "10 mHz", "100 kHz", ".to", "at which it begins"),
    wrong("spectrum without a unit", #""100 kHz""#, #""100000""#, ".from", "bare number"),
    wrong("spectrum in hertz per second", "100 kHz", "100 Hz/s", ".from", "not a unit of a frequency"),
    wrong(
      "spectrum with more current than the limit", "0.5 mA", "2 mA", ".current_at_most", "more than `limits."),
    wrong("spectrum that is marked", "10,", #"10, "diagnostic": true,"#, ".diagnostic", "unknown"),
    wrong("spectrum with a condition", "10,", #"10, "until": ["step_time >= 1 h"],"#, ".until", "unknown"),
    wrong("spectrum with records", "10,", #"10, "record": [{"every": "1 s"}],"#, ".record", "unknown"),
    wrong("eis", #""impedance""#, #""eis""#, "", "unknown step `eis`", "impedance"),
    wrong(
      "spectrum on an instrument that cannot", "", "", "", "no impedance spectrum steps", "Model A, Model B",
      instrument: noSpectra),
    wrong(
      "spectrum beyond an instrument", "", "", ".from", "more than the instrument reaches", "10 kHz", instrument: slow),
    .step(
      "spectrum without a rest",
      #"{"impedance": "10 mV", "from": "1 kHz", "to": "1 Hz", "points_per_decade": 5, "current_at_most": "0.5 mA"}"#,
      "",
      "no rest stands before it", "rest"),
    .steps(
      "spectrum under current",
      "[\(SampleProtocol.discharge), "
        + #"{"impedance": "10 mV", "from": "1 kHz", "to": "1 Hz", "points_per_decade": 5, "current_at_most": "0.5 mA"}]"#,
      "steps[1]", "no rest stands before it"),
  ]
}

@Suite struct ImpedanceCompilationTests {
  private func program(_ steps: String) throws -> Program {
    var sample = SampleProtocol()
    sample.steps = steps
    return try sample.compile(instrument: .small).get()
  }

  private static let spectrum =
    #"{"impedance": "10 mV", "from": "100 kHz", "to": "10 mHz", "points_per_decade": 10, "current_at_most": "0.5 mA"}"#

  @Test func aSpectrumIsWrittenOut() throws {
    let step = try #require(try program(#"[{"rest": "1 h"}, \#(Self.spectrum)]"#).steps.last)
    guard case .impedance(let spectrum) = step.action else {
      Issue.record("\(step.action)")
      return
    }
    #expect(step.kind == .impedanceSpectrum && step.direction == .none && step.halfCycle == nil && step.isDiagnostic)
    #expect(spectrum.points == 71 && spectrum.amplitude == Voltage(millivolts: 10))
    #expect(spectrum.peak == Voltage(nanovolts: 14_142_136))
    #expect(step.ends.map(\.text) == ["spectrum measured"])
    // Seven decades of ten points: a period to settle (5 s at most) and two to measure (half a second at least).
    #expect(spectrum.expectedPoint == TimeSpan(seconds: 205))
    #expect(abs(spectrum.expectedTime.seconds - 1_072) < 30, "\(spectrum.expectedTime.seconds)")
    let text = ProgramListing.step(step)
    #expect(text.hasPrefix("impedance spectrum of 10 mV (root mean square) around the open circuit, 71 points from "))
  }

  @Test(arguments: [1, 3, 10, 20] as [Int64])
  func frequenciesLieEvenlyOnALogarithmicScale(density: Int64) {
    for (from, to) in [(1e5, 1e-2), (1e-2, 1e5), (1_000.0, 10.0), (3.0, 1.0), (1e6, 1e-3)] {
      let spectrum = ImpedanceSpectrum(
        amplitude: Voltage(millivolts: 10), from: Frequency(hertz: from), to: Frequency(hertz: to),
        pointsPerDecade: density, currentAtMost: Current(amperes: 1e-3))
      let frequencies = spectrum.frequencies
      #expect(frequencies.count == Int(spectrum.points))
      #expect(frequencies.first == spectrum.from && frequencies.last == spectrum.to)
      for (one, next) in zip(frequencies, frequencies.dropFirst()) {
        // To the microhertz, which is a thousandth of the lowest frequency.
        #expect(abs(next.hertz / one.hertz / spectrum.ratio - 1) < 2e-3)
      }
      var power = 1.0
      for _ in 1..<spectrum.points { power *= spectrum.ratio }
      #expect(abs(power * from / to - 1) < 1e-11)
    }
  }

  /// A spectrum in a block neither counts nor changes the range of its neighbours, and what the circuit does alone is said.
  @Test func aSpectrumLeavesACycleAlone() throws {
    let program = try program(
      SampleProtocol.cycles(
        SampleProtocol.discharge + #", {"rest": "1 h"}, "# + Self.spectrum + ", " + SampleProtocol.charge))
    #expect(program.cycleCount == 2)
    #expect(program.steps.map { $0.halfCycle != nil } == [true, false, false, true])
    #expect(
      program.steps.filter { $0.kind == .constantCurrent }.allSatisfy { $0.rangeCurrent.picoamperes == 100_000_000 })
    let listing = ProgramListing.lines(of: program).joined(separator: "\n")
    #expect(listing.contains("the circuit stays closed until the point at hand is measured, for some 4 min"))
    #expect(listing.contains("[diagnostic]"))
  }
}
