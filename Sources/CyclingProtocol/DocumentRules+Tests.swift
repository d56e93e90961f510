// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A test of plating means something only when its steps are what the method says (docs/metrics.md, "Efficiency of
// plating").

import CyclerModel
import Quantities

extension DocumentRules {
  /// A closed step of a reservoir test, in the order of the text.
  private struct TestStep {
    var site: Site
    var drive: WrittenDrive
  }

  mutating func judgeParts(of test: WrittenTest, at site: Site) {
    guard test.isComplete, let role = cell?.role else { return }
    guard role.platesSodium, let plating = role.firstDirection else {
      report(
        site, "role \(role.rawValue) has no efficiency of plating",
        hint: "the roles are plating-stripping and anode-free")
      return
    }
    var isInHalfCycle = false
    guard judgeIsCounted(test.steps, inCycles: false, &isInHalfCycle) else { return }
    switch test.kind {
    case .longCycling: judgeLongCycling(test, plating, at: site)
    case .reservoir: judgeReservoir(test, plating, at: site)
    }
  }

  /// All charge that flows in a test is in one of its sums: a diagnostic, or a hold that belongs to no driven step before
  /// it, would be in neither.
  private mutating func judgeIsCounted(
    _ steps: [WrittenStep], inCycles: Bool, _ isInHalfCycle: inout Bool
  ) -> Bool {
    var isCounted = true
    for step in steps {
      switch step.body {
      case .drive(let drive):
        if drive.isDiagnostic { isCounted = reportUncounted(step.site) } else { isInHalfCycle = true }
      case .hold(let hold): if hold.isDiagnostic || !isInHalfCycle { isCounted = reportUncounted(step.site) }
      case .sweep, .profile, .impedance: isCounted = reportUncounted(step.site)
      case .block(let block):
        let isInside = inCycles || block.isCycles
        if !isInside || block.isCycles { isInHalfCycle = false }
        if !judgeIsCounted(block.steps, inCycles: isInside, &isInHalfCycle) { isCounted = false }
        if !inCycles { isInHalfCycle = false }
      case .rest, .test: break
      }
    }
    return isCounted
  }

  private mutating func reportUncounted(_ site: Site) -> Bool {
    report(
      site, "the charge of this step would be in neither sum of the test",
      hint: "move it behind the test; a hold follows a driven step of its own list")
    return false
  }

  private mutating func judgeLongCycling(_ test: WrittenTest, _ plating: Direction, at site: Site) {
    let blocks = test.steps.filter { step in if case .block(let block) = step.body { block.isCycles } else { false } }
    let others = test.steps.filter { step in
      switch step.body {
      case .rest: false
      case .block(let block): !block.isCycles
      case .drive, .hold, .sweep, .profile, .impedance, .test: true
      }
    }
    guard blocks.count == 1, others.isEmpty else {
      report(
        others.first?.site ?? site, "a long_cycling test is one `cycles` block, with rests around it",
        hint: "move what conditions the cell in front of the test")
      return
    }
    if let strip = Self.driven(blocks, times: 1).last(where: { $0.drive.direction != plating }) {
      judgeStripsAll(strip, "the strip")
    }
  }

  /// What was plated before a test and not stripped would be stripped in it and count.
  mutating func judgeBeginning(of test: WrittenTest, after steps: ArraySlice<WrittenStep>, at site: Site) {
    guard let role = cell?.role, role.platesSodium, let plating = role.firstDirection,
      let last = Self.driven(Array(steps), times: 1).last(where: {
        !$0.drive.isDiagnostic || $0.drive.direction == plating
      })
    else { return }
    let stripsAll = last.drive.direction != plating && Self.endsAtVoltage(last.drive)
    guard !stripsAll else { return }
    report(
      site, "the cell is not stripped when the test begins, so what was plated before would count as its own",
      hint: "end what comes before with a strip to a voltage")
  }

  private static func endsAtVoltage(_ drive: WrittenDrive) -> Bool { cutOff(of: drive) != nil || drive.to != nil }

  private mutating func judgeStripsAll(_ strip: TestStep, _ what: String) {
    if cell?.role == .platingStripping, let end = strip.drive.to?.value ?? Self.cutOff(of: strip.drive), end <= .zero {
      report(
        strip.site, "\(what) ends at \(end.written), where nothing has been stripped yet",
        hint: "sodium is stripped above 0 V; 1 V is usual")
    }
    guard !Self.endsAtVoltage(strip.drive) else { return }
    report(
      strip.site, "\(what) does not end at a voltage, so something could be left",
      hint: #"add a voltage to `until`"#)
  }

  /// First the reservoir is plated, then stripped and plated in turn, then everything is stripped.
  private mutating func judgeReservoir(_ test: WrittenTest, _ plating: Direction, at site: Site) {
    let written = Self.driven(test.steps, times: 1)
    for step in written where step.drive.part == nil {
      report(
        step.site, "this step does not say which part of the test it is",
        hint: #"add "part": "reservoir", "cycled" or "final_strip""#)
    }
    guard written.allSatisfy({ $0.drive.part != nil }) else { return }
    // A second pass of each block shows whether its end fits its beginning.
    let steps = Self.driven(test.steps, times: 2)
    let parts = steps.compactMap(\.drive.part?.value)
    let order = EfficiencyTestPart.allCases
    let isOrdered = zip(parts, parts.dropFirst()).allSatisfy { before, after in
      order.firstIndex(of: before) ?? 0 <= order.firstIndex(of: after) ?? 0
    }
    guard isOrdered, Set(parts) == Set(order) else {
      let found = parts.map(\.rawValue).joined(separator: ", ")
      report(
        site, "a reservoir test is reservoir, then cycled, then final_strip, not \(found.isEmpty ? "nothing" : found)",
        hint: "each part has at least one step")
      return
    }
    for step in written {
      let isPlating = step.drive.direction == plating
      switch step.drive.part?.value {
      case .reservoir where !isPlating: report(step.site, "the reservoir is plated", hint: "exchange the direction")
      case .finalStrip where isPlating: report(step.site, "the final strip strips", hint: "exchange the direction")
      case .finalStrip: judgeStripsAll(step, "the final strip")
      case .reservoir, .cycled, nil: break
      }
    }
    let strips = steps.filter { $0.drive.part?.value == .finalStrip }
    if strips.count > 1 {
      report(strips[1].site, "there is one final strip", hint: "a hold may follow it, down to a small current")
    }
    judgeTurns(steps.filter { $0.drive.part?.value == .cycled }, plating)
  }

  private mutating func judgeTurns(_ steps: [TestStep], _ plating: Direction) {
    var strips = true
    for step in steps {
      guard (step.drive.direction == plating) != strips else {
        report(
          step.site, "the cycled part strips and plates in turn, beginning with a strip",
          hint: "one step a half-cycle: repeat {strip, plate}")
        return
      }
      strips.toggle()
    }
    guard !strips, let last = steps.last else { return }
    report(
      last.site, "the cycled part ends with a strip", hint: "plate what was stripped, so that all cycles are alike")
  }

  /// Every driven step, those of blocks at most `times` times.
  private static func driven(_ steps: [WrittenStep], times: Int64) -> [TestStep] {
    steps.flatMap { step -> [TestStep] in
      switch step.body {
      case .drive(let drive): [TestStep(site: step.site, drive: drive)]
      case .block(let block):
        (0..<min(block.passes, times)).flatMap { _ in driven(block.steps, times: times) }
      case .test(let test): driven(test.steps, times: times)
      case .rest, .hold, .sweep, .profile, .impedance: []
      }
    }
  }
}
