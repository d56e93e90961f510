// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Other programs number cycles by their loops, or not at all. Here a cycle is a pair of half-cycles in the order of the
// role, so pairs are looked for: a loop over one pair becomes a `cycles` block, a loop that begins with the other
// half-cycle is turned by one (the steps follow each other as before), and pairs outside of loops become a cycle each.
// What is no pair is repeated and counted in no cycle, and that is told.

import CyclerModel
import CyclingProtocol
import Quantities

/// Makes steps of ours from a plan's.
struct PlanLayout {
  /// The first half-cycle's direction; nil where nothing is counted.
  let firstDirection: Direction?
  let bounds: PlanBounds
  private(set) var notes: [String] = []
  private(set) var problems: [ProtocolProblem] = []
  private var labels: Set<String> = []
  private var hasAddedBounds = false
  private var hasUncounted = false
  private var hasSwept = false
  /// The last constant current that was written: what a hold behind it may draw.
  private var lastCurrent: PlanCurrent?

  init(firstDirection: Direction?, bounds: PlanBounds) {
    self.firstDirection = firstDirection
    self.bounds = bounds
  }

  mutating func laidOut(_ steps: [PlanStep]) -> [TextNode] {
    let found = layOut(steps)
    if hasSwept {
      notes.append(
        "A voltage scan may draw what the limits allow in both directions; it is in no half-cycle, and where the cell "
          + "stands more than 20 mV from its start the run is held.")
    }
    if hasUncounted { notes.append("Half-cycles that make no pair in the order of the role are in no cycle.") }
    if hasAddedBounds {
      notes.append(
        "Steps that could have lasted for ever hold the run after twice the time that their rate says, or 24 h.")
    }
    return found
  }

  // MARK: Pairs

  /// Steps in a row: what makes a pair becomes a cycle.
  private mutating func layOut(_ steps: [PlanStep]) -> [TextNode] {
    var found: [TextNode] = []
    var open: [PlanStep] = []
    var half = Direction.none
    for step in steps.flatMap({ goneThroughOnce($0) }) {
      if case .loop(let loop) = step {
        found += close(&open, &half)
        found += layOut(loop)
        continue
      }
      if let direction = step.drivenDirection {
        if direction == firstDirection, half != firstDirection {
          found += close(&open, &half)
          half = direction
        } else if half != .none {
          half = direction
        }
      }
      open.append(step)
      if half == .none { found += close(&open, &half) }
    }
    return found + close(&open, &half)
  }

  /// What stands in a loop of one pass, unless it is a pair.
  private func goneThroughOnce(_ step: PlanStep) -> [PlanStep] {
    guard case .loop(let loop) = step, loop.passes == 1, let firstDirection,
      loop.body.directions != [firstDirection, firstDirection.reversed]
    else { return [step] }
    return loop.body.flatMap { goneThroughOnce($0) }
  }

  /// What has gathered: a pair is a cycle of its own, anything else stands as it is.
  private mutating func close(_ open: inout [PlanStep], _ half: inout Direction) -> [TextNode] {
    defer {
      open = []
      half = .none
    }
    guard half != .none, half != firstDirection else {
      let drives = open.contains { $0.drivenDirection != nil }
      if drives, firstDirection != nil { hasUncounted = true }
      return written(open)
    }
    return [block(passes: 1, label: nil, open, isCycles: true)]
  }

  private mutating func layOut(_ loop: PlanLoop) -> [TextNode] {
    let directions = loop.body.directions
    guard let firstDirection, let directions, !directions.isEmpty else {
      return loop.passes == 1 ? layOut(loop.body) : [block(loop, isCycles: false)]
    }
    if directions == [firstDirection, firstDirection.reversed] { return [block(loop, isCycles: true)] }
    if directions == [firstDirection.reversed, firstDirection], loop.passes > 1,
      let border = loop.body.firstIndex(where: { $0.isDriven(firstDirection) })
    {
      return turned(loop, at: border)
    }
    if loop.passes == 1 { return layOut(loop.body) }
    return [block(loop, isCycles: false)]
  }

  /// `passes` of (B A) are one B, one pass less of (A B), and one A, where A begins a cycle.
  private mutating func turned(_ loop: PlanLoop, at border: Int) -> [TextNode] {
    let (before, after) = (Array(loop.body[..<border]), Array(loop.body[border...]))
    notes.append(
      "A loop that began with the second half-cycle is turned by one: its first and its last half-cycle are in no cycle."
    )
    let middle = PlanLoop(passes: loop.passes - 1, label: loop.label, body: after + before)
    return written(before) + [block(middle, isCycles: true)] + written(after)
  }

  private mutating func block(_ loop: PlanLoop, isCycles: Bool) -> TextNode {
    block(passes: loop.passes, label: loop.label, loop.body, isCycles: isCycles)
  }

  private mutating func block(passes: Int64, label: String?, _ body: [PlanStep], isCycles: Bool) -> TextNode {
    guard isCycles else {
      let steps = layOut(body)
      return .members([("repeat", .whole(passes)), ("label", label.map { .text(unused($0)) }), ("steps", .list(steps))])
    }
    let name = unused(label ?? "cycles")
    return .members([
      ("cycles", .whole(passes)), ("purpose", .text(Self.purpose(of: name).rawValue)), ("label", .text(name)),
      ("steps", .list(written(body))),
    ])
  }

  /// Each block has a label of its own.
  private mutating func unused(_ label: String) -> String {
    let cut = String(label.trimmed.prefix(56)).trimmed
    return labels.insertUnused(cut.isEmpty ? "cycles" : cut)
  }

  /// Only the name of a loop tells what it is for.
  private static func purpose(of label: String) -> CyclePurpose {
    let label = label.lowercased()
    if label.contains("form") { return .formation }
    if label.contains("rate") { return .rate }
    return label.contains("diag") || label.contains("rpt") ? .diagnostic : .life
  }

  // MARK: Steps

  /// Steps as they stand, with loops inside.
  private mutating func written(_ steps: [PlanStep]) -> [TextNode] {
    var found: [TextNode] = []
    for step in steps {
      switch step {
      case .rest(let time, let every):
        found.append(.members([("rest", .text(time.written)), ("record", Self.record(every))]))
      case .drive(let drive):
        lastCurrent = drive.current
        found.append(write(drive))
      case .hold(let hold): found.append(write(hold))
      case .demand(let demand):
        lastCurrent = nil
        found.append(write(demand))
      case .sweep(let sweep):
        lastCurrent = nil
        hasSwept = true
        found.append(write(sweep))
      case .loop(let loop):
        found.append(.members([("repeat", .whole(loop.passes)), ("steps", .list(written(loop.body)))]))
      }
    }
    return found
  }

  private static func record(_ every: TimeSpan?) -> TextNode? { every.map { .members([("every", .text($0.written))]) } }

  private mutating func written(_ current: PlanCurrent) -> TextNode {
    if let text = current.written(capacity: bounds.capacity) { return .text(text) }
    problems.append(
      ProtocolProblem(
        path: "", line: 1, column: 1, message: "a C-rate of the file has no end as a decimal number",
        hint: "say what 1 C is by --nominal-capacity"))
    return .text("")
  }

  /// A bound that the file does not say holds the run.
  private mutating func added(_ quantity: String, _ longest: TimeSpan) -> TextNode {
    hasAddedBounds = true
    return .members([("when", .text("\(quantity) >= \(longest.written)")), ("go", .text("hold"))])
  }

  private mutating func write(_ drive: PlanDrive) -> TextNode {
    let isCharge = drive.direction == .charge
    var until: [TextNode] = []
    if let voltage = drive.voltage, drive.hold == nil {
      until.append(.text("voltage \(isCharge ? ">=" : "<=") \(voltage.written)"))
    }
    if let time = drive.time { until.append(.text("step_time >= \(time.written)")) }
    if drive.time == nil {
      let hold = drive.hold.map { $0.time ?? PlanBounds.usual } ?? .zero
      until.append(added("step_time", bounds.longest(drive.current) + hold))
    }
    return .members([
      (isCharge ? "charge" : "discharge", written(drive.current)), ("to", drive.hold.map { .text($0.voltage.written) }),
      ("hold_until", drive.hold.map { .list(holdEnds($0)) }), ("until", .list(until)),
      ("record", Self.record(drive.every)),
    ])
  }

  private mutating func holdEnds(_ hold: PlanHold) -> [TextNode] {
    var ends: [TextNode] = []
    if let current = hold.current, case .text(let text) = written(current) { ends.append(.text("current <= \(text)")) }
    if let time = hold.time { ends.append(.text("hold_time >= \(time.written)")) }
    return ends
  }

  private mutating func write(_ hold: PlanHold) -> TextNode {
    var until = holdEnds(hold)
    if hold.time == nil { until.append(added("hold_time", PlanBounds.usual)) }
    return .members([
      ("hold", .text(hold.voltage.written)), ("current_at_most", largest("hold at \(hold.voltage.written)")),
      ("until", .list(until)),
      ("record", Self.record(hold.every)),
    ])
  }

  private mutating func write(_ sweep: PlanSweep) -> TextNode {
    .members([
      ("sweep", .text(sweep.rate.written)), ("from", .text(sweep.from.written)), ("to", .text(sweep.to.written)),
      ("current_at_most", largest("scan to \(sweep.to.written)")),
    ])
  }

  private mutating func write(_ demand: PlanDemand) -> TextNode {
    let isCharge = demand.direction == .charge
    var until: [TextNode] = []
    if let voltage = demand.voltage { until.append(.text("voltage \(isCharge ? ">=" : "<=") \(voltage.written)")) }
    until.append(demand.time.map { .text("step_time >= \($0.written)") } ?? added("step_time", PlanBounds.usual))
    let value =
      switch demand.law {
      case .power(let power): power.written
      case .resistance(let resistance): resistance.written
      }
    let most = isCharge ? bounds.chargeText : bounds.dischargeText
    if most == nil {
      problems.append(
        ProtocolProblem(
          path: "", line: 1, column: 1, message: "nothing says what \(value) may draw while the voltage changes",
          hint: "say it by the limits of a protocol of ours, --like"))
    }
    return .members([
      (isCharge ? "charge" : "discharge", .text(value)), ("current_at_most", most.map { .text($0) }),
      ("until", .list(until)), ("record", Self.record(demand.every)),
    ])
  }

  /// What a hold or a scan may draw: the constant current before it, or else what the limits allow in both directions.
  private mutating func largest(_ what: String) -> TextNode? {
    if let current = lastCurrent ?? bounds.holdCurrent { return written(current) }
    if let text = bounds.holdText { return .text(text) }
    problems.append(
      ProtocolProblem(
        path: "", line: 1, column: 1, message: "nothing says what the \(what) may draw",
        hint:
          "write the current limits of both directions alike in the protocol of --like, or a constant current before"))
    return nil
  }
}

extension PlanStep {
  /// The direction of a step that drives a current, but for holds.
  fileprivate var drivenDirection: Direction? {
    switch self {
    case .drive(let drive): drive.direction
    case .demand(let demand): demand.direction
    case .rest, .hold, .sweep, .loop: nil
    }
  }

  fileprivate func isDriven(_ direction: Direction) -> Bool {
    switch self {
    case .drive(let drive): drive.direction == direction
    case .demand(let demand): demand.direction == direction
    case .loop(let loop): loop.body.directions == [direction]
    case .rest, .hold, .sweep: false
    }
  }
}

extension [PlanStep] {
  /// The directions that follow each other, each run once; nil when it cannot be told: a loop inside has both, or a hold
  /// comes before any current.
  fileprivate var directions: [Direction]? {
    var found: [Direction] = []
    for step in self {
      switch step {
      case .rest, .sweep: continue
      case .hold: if found.isEmpty { return nil }
      case .drive(let drive): if found.last != drive.direction { found.append(drive.direction) }
      case .demand(let demand): if found.last != demand.direction { found.append(demand.direction) }
      case .loop(let loop):
        guard let inner = loop.body.directions, inner.count <= 1 else { return nil }
        if let direction = inner.first, found.last != direction { found.append(direction) }
      }
    }
    return found
  }
}
