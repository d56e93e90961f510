// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CyclerModel
internal import Quantities

/// What a reader must know of how a table was read, in sentences.
struct AnalysisNotes {
  let reader: TableReader
  let tally: HalfCycleFinder.Tally
  let rules: HalfCycleFinder.Rules
  let result: AnalysisResult
  let role: CellRole?

  /// A counter and its samples that differ by more are no longer the same measurement.
  private static let credibleMismatch = 1e-3

  /// A counter whose steps are a larger share of a half-cycle decides the efficiency's fourth digit by its own.
  private static let credibleStep = 1e-4

  /// No cell has more volts.
  private static let credibleVoltage = 1_000.0

  var sentences: [String] { steps + counters + time + lines + ends }

  private var steps: [String] {
    var notes: [String] = []
    if !rules.hasStepTime {
      notes.append(
        "the file has no step times: the interval between two \(rules.hasStep ? "steps" : "runs of current") is counted "
          + "with the record before it")
    }
    if reader.header?.buildsTime == true {
      notes.append(
        "the file has no time of the test: it is put together from the steps' times, without what lies between")
    }
    if reader.signs.readsWords {
      notes.append(
        reader.signs.areMagnitudes
          ? "the file writes currents as magnitudes: the word for the step says which of them discharge"
          : "the file writes discharging as positive: the word for the step gives the sign")
    }
    if reader.decimalMark != 0x2E { notes.append("the file has decimal commas") }
    return notes
  }

  private var counters: [String] {
    guard let header = reader.header, !header.counters.isEmpty else { return [] }
    let names = header.counterNames.map { "“\($0)”" }.joined(separator: " and ")
    var notes: [String] = []
    if rules.countersArePrimary { notes.append("charge is what the instrument counted (\(names))") }
    if rules.countersArePrimary, let coarse = coarseness {
      notes.append(
        "data quality: the instrument's counter (\(names)) goes in steps of \(coarse.step) mAh, which are \(coarse.parts) ppm "
          + "of the largest half-cycle: charge from the samples may be finer, --charge samples takes it")
    }
    if let mismatch = result.summary.counterMismatch, mismatch > Self.credibleMismatch {
      let parts = Int(min(mismatch * 1e6, 1e12).rounded())
      notes.append(
        "data quality: the samples' charge differs from the instrument's (\(names)) by up to \(parts) ppm over a half-cycle"
      )
    }
    return notes
  }

  /// Steps of a counter that are more than `credibleStep` of the largest half-cycle.
  private var coarseness: (step: String, parts: Int)? {
    guard let step = rules.counters.compactMap(\.resolution).max(),
      let largest = result.halfCycles.map(\.charge.nanocoulombs).max(), largest > 0
    else { return nil }
    let share = step * 1e9 / Double(largest)
    guard share > Self.credibleStep else { return nil }
    // mAh with three digits, which is more than such a step is known by.
    let hours = step / 3.6
    var scale = 1.0
    while hours * scale < 100, scale < 1e12 { scale *= 10 }
    return ("\((hours * scale).rounded() / scale)", Int(min(share * 1e6, 1e6).rounded()))
  }

  private var time: [String] {
    var notes: [String] = []
    if tally.backwards > 0 {
      notes.append("\(count(tally.backwards, "record")) left out, because the time went back")
    }
    for line in tally.restarts {
      notes.append("the time begins anew at line \(line): what flowed in between is not known and not counted")
    }
    if tally.duplicates > 0 { notes.append("\(count(tally.duplicates, "record")) with the time of the record before") }
    if tally.gapCount > 0 {
      let lines = tally.gaps.map(String.init).joined(separator: ", ")
      notes.append(
        "\(count(tally.gapCount, "gap")) without records, before line \(lines)\(tally.gapCount > 10 ? " …" : ""): what "
          + "flowed there is not counted")
    }
    return notes
  }

  private var lines: [String] {
    var notes: [String] = []
    let passed = reader.passedOver
    if passed.incomplete > 0 {
      notes.append("\(count(passed.incomplete, "record")) left out, because time or current is missing")
    }
    if passed.sections > 0 {
      notes.append("\(count(passed.sections, "section")) of other lines between the records passed over")
    }
    if passed.headings > 0 { notes.append("the heading is repeated \(count(passed.headings, "time"))") }
    if passed.hasCutLine { notes.append("the last line is cut off and left out") }
    return notes
  }

  private var ends: [String] {
    var notes: [String] = []
    if result.summary.spuriousRuns > 0 {
      notes.append("\(count(result.summary.spuriousRuns, "run")) of hardly any charge taken for no half-cycle")
    }
    if let highest = result.halfCycles.compactMap(\.lastVoltage).max(), highest > Self.credibleVoltage {
      notes.append("data quality: voltages of up to \(Int(highest)) V: are they in millivolts?")
    }
    notes += looksUnsigned
    if result.halfCycles.isEmpty { notes.append("no current flows in it") }
    return notes
  }

  /// A table of magnitudes without words looks like one long charge with the voltage of everything.
  private var looksUnsigned: [String] {
    guard result.halfCycles.count == 1, let half = result.halfCycles.first, half.direction == .charge,
      half.steps > 1, !reader.signs.readsWords, tally.fallen > 0.5 * tally.risen
    else { return [] }
    return [
      "data quality: every current is positive, and the voltage falls while some of them flow: if the file writes "
        + "magnitudes, the efficiency needs the word for the step: --columns step_type=NAME"
    ]
  }

  private func count(_ number: Int, _ what: String) -> String { "\(number) \(what)\(number == 1 ? "" : "s")" }
}
