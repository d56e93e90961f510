// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Half-cycles from the sign of the current (docs/metrics.md, "Half-cycles in files"): the longest runs of one direction.
// Rests and changes of the current do not split one. What flowed between two records is counted as docs/metrics.md,
// "Charge in files", says.
//
// One run is open. A run of the other direction closes it as soon as its current is worth the name; until then it is a
// candidate. Which of the closed runs are half-cycles and which are pulses within one, `HalfCycleReview` says at the end.

internal import CellMetrics
internal import CyclerModel
internal import Quantities

struct HalfCycleFinder: RowTaking, Sendable {
  private(set) var tally = Tally()
  private(set) var closed: [DataHalfCycle] = []
  private(set) var rules: Rules

  private enum Place { case nowhere, open, candidate }
  // Drafts are kept whether they are meant or not: an optional of their size would be copied at each use.
  private var open: HalfCycleDraft
  private var hasOpen = false
  private var candidate: HalfCycleDraft
  private var hasCandidate = false
  // What `open` was before a run of hardly any current began.
  private var beforeQuiet: HalfCycleDraft
  private var isQuiet = false
  // Records of it, or of a candidate.
  private var quietRecords = 0
  // The last record showed hardly any current.
  private var lastIsQuiet = false
  // The charge of the largest half-cycle that has closed, C.
  private var largestCharge = 0.0

  private var last = DataRow()
  private var lastPlace = Place.nowhere
  private var hasLast = false
  private var offset = 0.0
  // Records whose time lies before that of `last`: a clock that began anew, or only a few odd ones.
  private var pending: [DataRow] = []
  // The heading has come again.
  private var beginsSection = false
  private var intervals = 0
  private var longestInterval = 0.0
  // A counter of charge may yet turn out to be coarse.
  private var areCountersWatched = true

  // What the pieces of the open half-cycle before `open` moved, C.
  private var carried = 0.0
  // So many closed runs are looked through while the table is read.
  private var mostRuns = Self.leastRuns
  // The scale of the run before `open`, of the same direction as what may follow `open` if that is only a pulse, A.
  private var scaleBefore = 0.0

  /// A run that moved less than this share of the half-cycle and lasted less than `shortest` does not split it.
  static let spuriousShare = 0.01
  /// s.
  static let shortest = 60.0
  /// Below this share of the half-cycle's largest current flows hardly anything: an offset at rest, unless it comes to
  /// more than `quietShare` of its charge.
  static let quietCurrent = 0.005
  static let quietShare = 0.002
  /// So many records a step are a current; fewer are what an instrument shows while it switches off.
  static let leastQuiet = 3
  /// An interval so much longer than every one before is a gap, but none shorter than `leastGap` seconds.
  static let gapFactor = 20.0
  static let leastGap = 600.0
  /// So many records in a row that lie before the last one are a clock that began anew.
  static let restartCount = 8

  private static let leastRuns = 16_384

  init(_ rules: Rules) {
    self.rules = rules
    let nothing = HalfCycleDraft(.none, threshold: nil, row: DataRow())
    open = nothing
    candidate = nothing
    beforeQuiet = nothing
    pending.reserveCapacity(Self.restartCount)
  }

  mutating func begin(_ header: TableHeader) {
    rules.hasStep = header.hasStep || header.hasStepType || header.leadingEmpty > 0
    rules.hasStepTime = header.hasStepTime
    rules.counters = header.counters
    switch rules.chargeSource {
    case .automatic: rules.countersArePrimary = header.countersArePrimary
    case .counter: rules.countersArePrimary = !header.counters.isEmpty
    case .samples: rules.countersArePrimary = false
    }
  }

  mutating func take(_ row: DataRow) {
    var row = row
    row.time += offset
    guard hasLast else { return takeFirst(row) }
    if row.time < last.time { return takeBackwards(row) }
    if !pending.isEmpty { pending.removeAll(keepingCapacity: true) }
    beginsSection = false
    advance(to: row)
  }

  mutating func beginSection() { beginsSection = true }

  /// The table is over: closes what is open.
  mutating func finish() {
    if hasLast { tally.lastTime = last.time }
    if isQuiet { endQuiet(isLast: true) }
    candidate.endStep()
    if hasCandidate { dropCandidate(resuming: nil) }
    open.endStep()
    if hasOpen { closed.append(DataHalfCycle(open)) }
    hasOpen = false
  }

  /// The line of the last record.
  var lastLine: Int { last.line }
}

// MARK: - Time

extension HalfCycleFinder {
  private mutating func takeFirst(_ row: DataRow) {
    hasLast = true
    tally.records = 1
    tally.firstTime = row.time
    // The step began with the test, so its current has flowed since.
    let isFirstOfTest = rules.hasStepTime && row.stepTime > 0 && (row.time - row.stepTime).magnitude < 0.5
    let tau = isFirstOfTest && row.stepTime <= Self.leastGap ? row.stepTime : 0
    var parts = Parts(new: row.current * tau, newTime: tau)
    last = row
    last.current = 0
    if !rules.counters.isEmpty, let counted = count(row, parts, true), rules.countersArePrimary { parts = counted }
    lastPlace = place(row, isQuietRow: false)
    begin(row, charge: parts.new, over: parts.newTime)
    last = row
  }

  private mutating func takeBackwards(_ row: DataRow) {
    tally.backwards += 1
    // One that lies before these too is only odd.
    if let before = pending.last, row.time < before.time {
      if pending.count == 1 { pending[0] = row }
      return
    }
    pending.append(row)
    guard pending.count == Self.restartCount || beginsSection else { return }
    beginsSection = false
    let replayed = pending
    pending.removeAll(keepingCapacity: true)
    tally.backwards -= replayed.count
    if tally.restarts.count < 10 { tally.restarts.append(replayed[0].line) }
    let shift = last.time - replayed[0].time
    offset += shift
    if lastPlace == .open, last.current * replayed[0].current > 0 { open.note(interruption: 0) }
    for var row in replayed {
      row.time += shift
      advance(to: row)
    }
  }

  @inline(__always)
  private mutating func isNewStep(_ row: DataRow) -> Bool {
    (rules.hasStep && row.step != last.step && !(row.step.isNaN && last.step.isNaN))
      || (rules.hasStepTime && row.stepTime < last.stepTime)
  }
}

// MARK: - Intervals

extension HalfCycleFinder {
  /// What flowed in an interval: on the side of the record before, on that of the new one, or in between.
  private struct Parts {
    var old = 0.0
    var new = 0.0
    var oldTime = 0.0
    var newTime = 0.0
    /// Both ends belong to one run of records; `new` is all of it but `quiet`.
    var isJoined = false
    /// The share of hardly any current at one end, beside a current at the other.
    var quiet = 0.0
  }

  private mutating func advance(to row: DataRow) {
    tally.records += 1
    let span = row.time - last.time
    let beginsStep = isNewStep(row)
    if span == 0, !beginsStep { tally.duplicates += 1 }
    let isQuietRow = isHardlyAny(row)
    if row.current == 0 || isQuietRow { observeRest(row, beginsStep) }
    if !tally.hasNegative { observeSign(row, beginsStep) }
    var parts = divide(row, span, beginsStep, isQuietRow)
    if span > Self.leastGap || rules.gapLimit != nil, isGap(span) {
      parts = gap(row, span, beginsStep, parts)
    } else {
      intervals += 1
      if span > longestInterval { longestInterval = span }
    }
    if rules.counters.isEmpty {
      deliver(parts, row, isQuietRow)
    } else {
      let counted = count(row, parts, beginsStep)
      deliver(rules.countersArePrimary ? counted ?? parts : parts, row, isQuietRow)
      if let counted { compare(counted, parts) }
    }
    last = row
    lastIsQuiet = isQuietRow
  }

  private mutating func observeRest(_ row: DataRow, _ beginsStep: Bool) {
    guard hasOpen else { return }
    if row.current == 0 {
      tally.zeros += 1
      if lastIsQuiet, !beginsStep { tally.flickers += 1 }
    } else {
      quietRecords += 1
      if last.current == 0, !beginsStep { tally.flickers += 1 }
    }
  }

  private mutating func observeSign(_ row: DataRow, _ beginsStep: Bool) {
    if row.current < 0 { tally.hasNegative = true }
    guard !beginsStep, row.current > 0, last.current > 0 else { return }
    let change = row.voltage - last.voltage
    if change > 0 { tally.risen += change } else if change < 0 { tally.fallen -= change }
  }

  private mutating func isGap(_ span: Double) -> Bool {
    if let limit = rules.gapLimit { return span > limit }
    return intervals >= 10 && span > Self.gapFactor * longestInterval
  }

  // These are `mutating` so that the finder is asked in place: a copy of it costs more than the record.

  /// Trapezoid inside a step; at a step's boundary each side with its own current up to the moment that the new step's
  /// time tells, and all of it on the earlier record's side where no time tells.
  @inline(__always)
  private mutating func divide(_ row: DataRow, _ span: Double, _ beginsStep: Bool, _ isQuietRow: Bool) -> Parts {
    let (before, after) = (last.current, row.current)
    // From hardly any current to one is a beginning, as from none.
    let isBeginning = lastIsQuiet || before.magnitude <= Self.quietCurrent * after.magnitude
    let senseBefore = isBeginning ? 0 : before.signum
    let senseAfter = isQuietRow ? 0 : after.signum
    if beginsStep || (senseBefore != senseAfter && !rules.hasStep && !rules.hasStepTime) {
      let known = beginsStep && rules.hasStepTime && row.stepTime > 0
      let tau = known ? min(row.stepTime, span) : 0
      return Parts(old: before * (span - tau), new: after * tau, oldTime: span - tau, newTime: tau)
    }
    if isQuietRow, !lastIsQuiet, before * after < 0 {
      // It dies away, and what shows then is an offset the other way.
      return Parts(old: before / 2 * span, oldTime: span)
    }
    if before * after > 0, isQuietRow != lastIsQuiet {
      let (flowing, quiet) = isQuietRow ? (before, after) : (after, before)
      return Parts(new: flowing / 2 * span, newTime: span, isJoined: true, quiet: quiet / 2 * span)
    }
    // Where the direction turns inside a step, the interval is the first of the new run.
    return Parts(new: (before + after) / 2 * span, newTime: span, isJoined: before * after >= 0)
  }

  /// Nobody measured for long: what may have flowed is not counted but bounded, unless the step's own time stood still.
  @inline(never)
  private mutating func gap(_ row: DataRow, _ span: Double, _ beginsStep: Bool, _ parts: Parts) -> Parts {
    let (before, after) = (last.current, row.current)
    guard before != 0 || after != 0, !rules.countersArePrimary else { return parts }
    var parts = parts
    if rules.hasStepTime, !beginsStep, row.stepTime - last.stepTime < span / 2 {
      let driven = max(0, row.stepTime - last.stepTime)
      if lastPlace == .candidate {
        candidate.note(interruption: span - driven)
      } else if hasOpen {
        open.note(interruption: span - driven)
      }
      return Parts(new: (before + after) / 2 * driven, newTime: driven, isJoined: parts.isJoined)
    }
    tally.gapCount += 1
    if tally.gaps.count < 10 { tally.gaps.append(row.line) }
    let bound: Double
    if beginsStep, rules.hasStepTime, parts.newTime <= span / 2 {
      bound = before.magnitude * parts.oldTime
      parts.old = 0
    } else {
      bound = max(before.magnitude, after.magnitude) * span
      (parts.old, parts.new, parts.quiet) = (0, 0, 0)
    }
    if bound > 0, lastPlace == .candidate {
      candidate.note(gap: bound)
    } else if bound > 0, hasOpen {
      open.note(gap: bound)
    }
    return parts
  }

  /// The counters' charge in the shape of the samples'; nil where a counter shows nothing.
  private mutating func count(_ row: DataRow, _ parts: Parts, _ beginsStep: Bool) -> Parts? {
    let before = last.current
    let direction = row.current != 0 ? row.current.signum : before.signum
    let first = rules.counters[0].advance(to: row.firstCounter, beginsStep: beginsStep, direction: direction)
    var second: Double? = 0
    if rules.counters.count > 1 {
      second = rules.counters[1].advance(to: row.secondCounter, beginsStep: beginsStep, direction: direction)
    }
    if areCountersWatched { watchCounters(first, second, row, beginsStep) }
    guard let first, let second else { return nil }
    var counted = parts
    (counted.old, counted.new, counted.quiet) = (0, 0, 0)
    for part in [first, second] where part != 0 {
      // To the side whose current has its sign; to the new one where both have, or neither.
      let belongsBefore = part * before > 0 && part * row.current <= 0 && !parts.isJoined
      if belongsBefore { counted.old += part } else { counted.new += part }
    }
    return counted
  }

  /// Looks for the steps in which the counters count, until all of them have shown that they count finely.
  @inline(never)
  private mutating func watchCounters(_ first: Double?, _ second: Double?, _ row: DataRow, _ beginsStep: Bool) {
    let (current, span) = (row.current, row.time - last.time)
    let isSteady = !beginsStep && (current - last.current).magnitude <= 0.01 * current.magnitude
    rules.counters[0].observe(first, reading: row.firstCounter, current: current, span: span, isSteady: isSteady)
    if rules.counters.count > 1 {
      rules.counters[1].observe(second, reading: row.secondCounter, current: current, span: span, isSteady: isSteady)
    }
    areCountersWatched = rules.counters.contains { !$0.isFine }
  }

  /// Keeps both for the comparison, each with the half-cycle of its direction.
  private mutating func compare(_ counted: Parts, _ parts: Parts) {
    for (counted, integral) in [(counted.old, parts.old), (counted.new, parts.new)] where counted != 0 || integral != 0
    {
      let sense = (counted != 0 ? counted : integral).signum
      if hasOpen, sense == Double(open.direction.rawValue) {
        open.compare(counted: counted, integral: integral)
      } else if hasCandidate {
        candidate.compare(counted: counted, integral: integral)
      } else if let last = closed.indices.last {
        closed[last].compare(counted: counted, integral: integral)
      }
    }
  }
}

// MARK: - Runs

extension HalfCycleFinder {
  /// Whether a record shows so little current, all of a sudden, that it is an offset at rest.
  @inline(__always)
  private mutating func isHardlyAny(_ row: DataRow) -> Bool {
    let magnitude = row.current.magnitude
    guard magnitude <= Self.quietCurrent * open.scale, magnitude > 0, hasOpen else { return false }
    // What a step's own word calls charging or discharging is no rest.
    guard row.typeSign == 0 else { return false }
    return lastIsQuiet || last.current == 0 || magnitude * 10 <= last.current.magnitude
  }

  /// Whether everything in the run of the last record is hardly any current beside this one's.
  @inline(__always)
  private mutating func dwarfsRun(_ row: DataRow) -> Bool {
    let largest = lastPlace == .candidate ? candidate.largestCurrent : open.scale
    return largest <= Self.quietCurrent * row.current.magnitude
  }

  @inline(__always)
  private mutating func deliver(_ parts: Parts, _ row: DataRow, _ isQuietRow: Bool) {
    if parts.isJoined, lastPlace == .open, row.current != 0, lastIsQuiet == isQuietRow, !dwarfsRun(row) {
      // The usual case: one more record of the same run.
      open.add(charge: parts.new, over: parts.newTime, energyAt: mean(last.voltage, row.voltage), to: row)
    } else {
      deliverElsewhere(parts, row, isQuietRow)
    }
  }

  private mutating func deliverElsewhere(_ parts: Parts, _ row: DataRow, _ isQuietRow: Bool) {
    if parts.isJoined, lastPlace == .candidate, row.current != 0, lastIsQuiet == isQuietRow, !dwarfsRun(row) {
      candidate.add(charge: parts.new, over: parts.newTime, energyAt: mean(last.voltage, row.voltage), to: row)
      return confirmCandidate(row)
    }
    // A current that dies away inside a step takes its last interval with it.
    let diesAway = parts.isJoined && (row.current == 0 || isQuietRow && !lastIsQuiet && last.current != 0)
    leave(parts, row, diesAway: diesAway)
    let place = place(row, isQuietRow: isQuietRow)
    if parts.isJoined {
      // Out of a rest, or out of hardly any current, inside a step.
      if place != .nowhere { begin(last, charge: 0, over: 0, place: place) }
      lastPlace = place
      begin(
        row, charge: diesAway ? parts.quiet : parts.new, over: diesAway ? 0 : parts.newTime,
        energyAt: mean(last.voltage, row.voltage))
    } else {
      lastPlace = place
      begin(row, charge: parts.new, over: parts.newTime)
    }
    confirmCandidate(row)
  }

  /// Ends the part of the run that the last record belongs to.
  private mutating func leave(_ parts: Parts, _ row: DataRow, diesAway: Bool) {
    let charge = parts.isJoined ? (diesAway ? parts.new : parts.quiet) : parts.old
    let time = parts.isJoined ? (diesAway ? parts.newTime : 0) : parts.oldTime
    switch lastPlace {
    case .open:
      open.add(charge: charge, over: time, until: row.time)
      open.endStep()
    case .candidate:
      candidate.add(charge: charge, over: time, until: row.time)
      candidate.endStep()
    case .nowhere: break
    }
  }

  /// Where a record belongs; opens, drops and keeps what that asks for.
  private mutating func place(_ row: DataRow, isQuietRow: Bool) -> Place {
    guard row.current != 0 else { return .nowhere }
    let direction: Direction = row.current > 0 ? .charge : .discharge
    if !hasOpen {
      open = draft(direction, row)
      hasOpen = true
      return .open
    }
    if direction == open.direction {
      if hasCandidate { dropCandidate(resuming: row) }
      if open.scale <= Self.quietCurrent * row.current.magnitude {
        // Noise or an offset so far: the review drops it, or joins it again where it came to something.
        isQuiet = false
        close()
        open = draft(direction, row)
        scaleBefore = 0
        return .open
      }
      // Behind a trickle that came to something, a rest.
      if isQuietRow, isQuiet, row.current.magnitude * 10 <= last.current.magnitude, !quietIsLittle {
        endQuiet(isLast: false)
      }
      if isQuietRow, !isQuiet {
        beforeQuiet = open
        isQuiet = true
        quietRecords = 1
      } else if !isQuietRow, isQuiet {
        endQuiet(isLast: false)
      }
      return .open
    }
    if isQuiet { endQuiet(isLast: true) }
    let expected = Self.quietCurrent * max(open.scale, row.current.magnitude)
    if hasCandidate, !isQuietRow, candidate.largestCurrent <= expected {
      dropCandidate(resuming: nil)
      if !hasOpen {
        open = draft(direction, row)
        hasOpen = true
        return .open
      }
    }
    if !hasCandidate {
      candidate = draft(direction, row, scale: isPulse(open) ? scaleBefore : 0)
      hasCandidate = true
      quietRecords = 1
    }
    return .candidate
  }

  private func draft(_ direction: Direction, _ row: DataRow, scale: Double = 0) -> HalfCycleDraft {
    HalfCycleDraft(
      direction, threshold: direction == .charge ? rules.chargingPlateauBelow : rules.dischargingPlateauBelow, row: row,
      scale: scale)
  }

  private mutating func begin(_ row: DataRow, charge: Double, over time: Double, energyAt voltage: Double? = nil) {
    begin(row, charge: charge, over: time, energyAt: voltage, place: lastPlace)
  }

  private mutating func begin(
    _ row: DataRow, charge: Double, over time: Double, energyAt voltage: Double? = nil, place: Place
  ) {
    switch place {
    case .open: open.add(charge: charge, over: time, energyAt: voltage ?? row.voltage, to: row)
    case .candidate: candidate.add(charge: charge, over: time, energyAt: voltage ?? row.voltage, to: row)
    case .nowhere: break
    }
  }

  /// A candidate with a current worth the name, or one that has moved enough, is the next run.
  private mutating func confirmCandidate(_ row: DataRow) {
    guard hasCandidate, lastPlace == .candidate else { return }
    guard
      candidate.largestCurrent > Self.quietCurrent * open.scale
        || candidate.charge >= Self.spuriousShare * max(open.charge, largestCharge)
    else { return }
    close()
    open = candidate
    hasCandidate = false
    lastPlace = .open
  }

  private mutating func close() {
    open.endStep()
    carried = 0
    largestCharge = max(largestCharge, open.charge)
    scaleBefore = open.scale
    keep(DataHalfCycle(open))
  }

  private mutating func keep(_ run: DataHalfCycle) {
    closed.append(run)
    guard closed.count >= mostRuns else { return }
    // Pulses and noise by the hundred thousand: the earlier ones are judged now, by what is known so far.
    let recent = closed.suffix(mostRuns / 8)
    let (halves, spurious) = HalfCycleReview.merged(
      Array(closed.dropLast(recent.count)), restsAreExact: tally.restsAreExact)
    tally.spurious += spurious
    closed = halves + recent
    // Where most of them are half-cycles, the next look is far away: its cost stays in proportion to the records.
    mostRuns = max(Self.leastRuns, closed.count * 2)
  }

  /// Whether a run is too short and moves too little to split a half-cycle.
  private func isPulse(_ run: HalfCycleDraft) -> Bool {
    // The largest may be in pieces itself.
    run.end - run.begin < Self.shortest && run.charge < 10 * Self.spuriousShare * largestCharge
  }

  /// The candidate was an offset, or noise. One that lasted is kept for the review, which knows the whole table.
  /// - Parameter resuming: The record with which the current goes on in the open run's direction.
  private mutating func dropCandidate(resuming row: DataRow?) {
    hasCandidate = false
    guard candidate.end - candidate.begin >= Self.shortest, quietRecords >= Self.leastQuiet * candidate.steps else {
      return
    }
    if isQuiet { endQuiet(isLast: true) }
    let before = carried
    close()
    carried = before
    var run = DataHalfCycle(candidate)
    run.isQuiet = true
    keep(run)
    scaleBefore = 0
    if let row {
      let sum = carried + open.charge
      open = HalfCycleDraft(continuing: open, row: row)
      carried = sum
    } else {
      hasOpen = false
    }
  }

  /// Whether what flowed while there was hardly any current is an offset's charge, and no trickle's.
  private var quietIsLittle: Bool {
    open.charge - beforeQuiet.charge < Self.quietShare * (carried + beforeQuiet.charge)
  }

  /// What flowed while hardly anything did is set aside where it comes to nothing.
  private mutating func endQuiet(isLast: Bool) {
    isQuiet = false
    open.endStep()
    guard quietIsLittle else { return }
    if quietRecords >= Self.leastQuiet * (open.steps - beforeQuiet.steps) {
      open.setAside(since: beforeQuiet, isLast: isLast)
    } else {
      open = beforeQuiet
    }
  }

  @inline(__always)
  private func mean(_ first: Double, _ second: Double) -> Double {
    first.isNaN ? second : second.isNaN ? first : (first + second) / 2
  }
}

extension Double {
  /// 1, -1 or 0.
  @inline(__always) var signum: Double { self > 0 ? 1 : self < 0 ? -1 : 0 }
}
