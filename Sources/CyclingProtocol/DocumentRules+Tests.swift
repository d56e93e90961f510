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
    switch test.kind {
    case .longCycling: judgeLongCycling(test, at: site)
    case .reservoir: judgeReservoir(Self.driven(test.steps), plating, at: site)
    }
  }

  private mutating func judgeLongCycling(_ test: WrittenTest, at site: Site) {
    let blocks = test.steps.filter { step in if case .block(let block) = step.body { block.isCycles } else { false } }
    let others = test.steps.filter { step in
      switch step.body {
      case .rest: false
      case .block(let block): !block.isCycles
      case .drive, .hold, .test: true
      }
    }
    guard blocks.count == 1, others.isEmpty else {
      report(
        others.first?.site ?? site, "a long_cycling test is one `cycles` block, with rests around it",
        hint: "move what conditions the cell in front of the test")
      return
    }
  }

  /// First the reservoir is plated, then stripped and plated in turn, then everything is stripped.
  private mutating func judgeReservoir(_ steps: [TestStep], _ plating: Direction, at site: Site) {
    for step in steps where step.drive.part == nil {
      report(
        step.site, "this step does not say which part of the test it is",
        hint: #"add "part": "reservoir", "cycled" or "final_strip", or "diagnostic": true"#)
    }
    let parts = steps.compactMap(\.drive.part?.value)
    guard parts.count == steps.count else { return }
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
    judgeDirections(steps, plating)
  }

  private mutating func judgeDirections(_ steps: [TestStep], _ plating: Direction) {
    var strips = true
    for step in steps {
      let isPlating = step.drive.direction == plating
      switch step.drive.part?.value {
      case .reservoir where !isPlating: report(step.site, "the reservoir is plated", hint: "exchange the direction")
      case .finalStrip where isPlating: report(step.site, "the final strip strips", hint: "exchange the direction")
      case .finalStrip where Self.cutOff(of: step.drive) == nil && step.drive.to == nil:
        report(
          step.site, "the final strip does not end at a voltage, so something could be left",
          hint: #"add a voltage to `until`"#)
      case .cycled:
        if isPlating == strips {
          report(
            step.site, "the cycled part strips and plates in turn, beginning with a strip",
            hint: "one step a half-cycle: repeat {strip, plate}")
        }
        strips.toggle()
      case .reservoir, .finalStrip, nil: break
      }
    }
    if !strips, let last = steps.last(where: { $0.drive.part?.value == .cycled }) {
      report(
        last.site, "the cycled part ends with a strip", hint: "plate what was stripped, so that all cycles are alike")
    }
  }

  /// Every closed step that is not a diagnostic, those of blocks once.
  private static func driven(_ steps: [WrittenStep]) -> [TestStep] {
    steps.flatMap { step -> [TestStep] in
      switch step.body {
      case .drive(let drive): drive.isDiagnostic ? [] : [TestStep(site: step.site, drive: drive)]
      case .block(let block): driven(block.steps)
      case .rest, .hold, .test: []
      }
    }
  }
}
