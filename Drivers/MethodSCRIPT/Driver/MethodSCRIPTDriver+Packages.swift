// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Packages become readings and circuit marks here. This is the only code that runs for every reading.

import CyclerModel
import InstrumentKit
import Quantities

extension MethodSCRIPTDriver {
  /// Takes a line that begins with `P`.
  @inline(__always)
  mutating func handlePackage(_ line: UnsafeRawBufferPointer, into outputs: inout DriverOutputs) {
    if stage == .proofRunning { return handleProofAlone(line, into: &outputs) }
    guard progress.isActive else { return handleForeignPackage(line) }
    var cursor = PackageCursor(line)
    guard cursor.advance() else { return noteGarbage("a malformed package", into: &outputs) }
    if cursor.variable.type == VariableType.time {
      handleReading(&cursor, of: line, into: &outputs)
    } else if cursor.variable.type == VariableType.mark {
      handleMark(cursor.variable, &cursor, into: &outputs)
    } else {
      noteGarbage("a package that begins with no variable of ours", into: &outputs)
    }
  }

  // MARK: Readings

  /// The cursor stands at the time.
  @inline(__always)
  private mutating func handleReading(
    _ cursor: inout PackageCursor, of line: UnsafeRawBufferPointer, into outputs: inout DriverOutputs
  ) {
    guard let microseconds = cursor.variable.count(unitExponent: -6), microseconds >= 0 else {
      return noteGarbage("a malformed reading", into: &outputs)
    }
    var reading = Reading(time: TimeSpan(microseconds: microseconds), voltage: nil, current: .zero)
    var applied: Int64?
    guard Self.read(&reading, &cursor, hasCurrent: progress.isDriven),
      !progress.setsVoltage || Self.readApplied(&applied, &cursor), cursor.isComplete
    else { return noteGarbage("a malformed reading", into: &outputs) }
    layout.learn(line, hasCurrent: progress.isDriven, hasApplied: applied != nil)
    take(reading, applied: applied, into: &outputs)
  }

  /// Takes a line that is written as the last reading was; false, and nothing done, for any other.
  @inline(__always)
  mutating func readLikeTheLast(
    _ bytes: UnsafeRawBufferPointer, at offset: inout Int, into outputs: inout DriverOutputs
  ) -> Bool {
    guard progress.isActive, framer.isBetweenLines else { return false }
    var reading = Reading(time: .zero, voltage: nil, current: .zero)
    var applied: Int64?
    guard layout.read(&reading, &applied, in: bytes, at: &offset) else { return false }
    take(reading, applied: applied, into: &outputs)
    return true
  }

  @inline(__always)
  private mutating func take(_ reading: Reading, applied: Int64?, into outputs: inout DriverOutputs) {
    guard progress.finalReason == nil, accept(reading, into: &outputs) else { return }
    if !progress.hasBegun { noteBegan(into: &outputs) }
    if progress.isDriven, !progress.isClosed { noteMissedClosing(seenAt: reading.time, into: &outputs) }
    progress.lastTime = reading.time.microseconds
    progress.lastReading = reading
    outputs.events.append(.reading(channel: 0, reading))
    guard stage == .running else { return }
    misses = 0
    awaitReading()
    if let applied, isAstray(reading, applied) { return startAbort(.ending(.requested), into: &outputs) }
    renewLease(at: reading.time.microseconds, into: &outputs)
  }

  /// Whether a reading may follow the last one. The wire has no checksum; a wrong digit in the time shows here only.
  @inline(__always)
  private mutating func accept(_ reading: Reading, into outputs: inout DriverOutputs) -> Bool {
    let time = reading.time.microseconds
    guard progress.lastTime >= 0 else { return true }
    if time < progress.lastTime {
      damagedMessages += 1
      outputs.events.append(
        .fault(
          channel: 0,
          Fault(
            .instrumentTimeBackwards,
            "a reading at \(Literal.decimal(time, unitExponent: -6)) s after one at "
              + "\(Literal.decimal(progress.lastTime, unitExponent: -6)) s; left out")))
      return false
    }
    if time == progress.lastTime, reading == progress.lastReading { return false }
    // A script cannot be silent for longer than its lease, or a point of a spectrum.
    if time - progress.lastTime > progress.lease + progress.longestPoint + 2 * progress.interval {
      noteGarbage("a reading that is further ahead than a lease", into: &outputs)
      return false
    }
    return true
  }

  /// Asks for another lease when a third of it has passed by the instrument's own clock, and again should that be lost.
  @inline(__always)
  private mutating func renewLease(at time: Int64, into outputs: inout DriverOutputs) {
    if progress.leaseBegan < 0 { progress.leaseBegan = time }
    guard time - progress.leaseBegan >= progress.renewsAfter else { return }
    if progress.renewalAsked >= 0, time - progress.renewalAsked < progress.lease / 4 { return }
    askForLease(at: time, into: &outputs)
  }

  /// Where loops end for a new current too, a renewal that comes while the sample is worked on meets such an end and is
  /// lost, and what answers a reading comes just then. A loop that has begun waits for its first sample. Once for all that
  /// is read at once: what is written behind it comes when the last of it is over.
  mutating func renewLeaseAtLoopStart(into outputs: inout DriverOutputs) {
    let time = progress.lastTime
    guard progress.saysLeases, !progress.hasJustAsked, progress.leaseBegan >= 0,
      time - progress.leaseBegan >= progress.lease / 3
    else { return }
    askForLease(at: time, into: &outputs)
  }

  private mutating func askForLease(at time: Int64, into outputs: inout DriverOutputs) {
    progress.renewalAsked = time
    progress.hasJustAsked = true
    unansweredCommands &+= 1
    outputs.writes.append(UInt8(ascii: "Y"))
    outputs.writes.append(0x0A)
  }

  /// Reads voltage and, where there is one, current; false when the shape is not exact. Static: a method would be handed
  /// a copy of the driver.
  @inline(__always)
  private static func read(_ reading: inout Reading, _ cursor: inout PackageCursor, hasCurrent: Bool) -> Bool {
    var bits = cursor.variable.status
    guard cursor.advance(), cursor.variable.type == VariableType.potential else { return false }
    if cursor.variable.digits != nil {
      guard let nanovolts = cursor.variable.count(unitExponent: -9) else { return false }
      reading.voltage = Voltage(nanovolts: nanovolts)
    }
    bits |= cursor.variable.status
    if hasCurrent {
      guard cursor.advance(), cursor.variable.type == VariableType.current else { return false }
      reading.current = nil
      if cursor.variable.digits != nil {
        guard let picoamperes = cursor.variable.count(unitExponent: -12) else { return false }
        reading.current = Current(picoamperes: picoamperes)
      }
      reading.range = cursor.variable.range
      bits |= cursor.variable.status
    }
    reading.quality = quality(bits)
    return true
  }

  /// Reads the potential that is applied, where it is sent: a constant current in front of a hold sends none.
  @inline(__always)
  private static func readApplied(_ applied: inout Int64?, _ cursor: inout PackageCursor) -> Bool {
    if cursor.isComplete { return true }
    guard cursor.advance(), cursor.variable.type == VariableType.appliedPotential else { return false }
    applied = cursor.variable.count(unitExponent: -9)
    return applied != nil
  }

  /// The instrument's status bits are 1 timing not met, 2 overload, 4 underload, 8 overload warning.
  @inline(__always)
  static func quality(_ bits: UInt8) -> ReadingQuality {
    if bits == 0 { return [] }
    var quality: ReadingQuality = []
    if bits & 1 != 0 { quality.insert(.late) }
    if bits & 2 != 0 { quality.insert(.overload) }
    if bits & 4 != 0 { quality.insert(.underload) }
    if bits & 8 != 0 { quality.insert(.overloadWarning) }
    return quality
  }

  // MARK: Marks

  /// A script does not take so long from where it starts its timer, or opens the circuit, to where it closes it again.
  /// An estimate: the maker states no times for these instructions.
  private static let longestSwitching = TimeSpan(milliseconds: 100)

  private mutating func handleMark(
    _ first: PackageVariable, _ cursor: inout PackageCursor, into outputs: inout DriverOutputs
  ) {
    switch first.count(unitExponent: 0) {
    case Mark.final:
      guard let final = FinalMark(&cursor) else {
        // Aborted before its variables had their types: nothing was closed, and a script of one line confirms it.
        if !progress.isClosed, progress.lastTime < 0, stage == .aborting || stage == .draining { return }
        return noteGarbage("a malformed last message", into: &outputs)
      }
      handleFinal(final, into: &outputs)
    case Mark.closed, Mark.opened, Mark.closedForHold:
      guard let time = cursor.next(), time.type == VariableType.time, cursor.isComplete,
        let microseconds = time.count(unitExponent: -6), microseconds >= 0
      else { return noteGarbage("a malformed mark", into: &outputs) }
      handleCircuit(first.count(unitExponent: 0) ?? 0, at: TimeSpan(microseconds: microseconds), into: &outputs)
    case Mark.leased:
      guard progress.saysLeases, let time = cursor.next(), time.type == VariableType.time, cursor.isComplete,
        let microseconds = time.count(unitExponent: -6), microseconds >= 0
      else { return noteGarbage("a malformed mark", into: &outputs) }
      // A wrong digit must not put off the next renewal for ever.
      guard microseconds <= max(progress.lastTime, 0) + progress.lease + 2 * progress.interval else {
        return noteGarbage("a lease that begins further ahead than a lease", into: &outputs)
      }
      progress.leaseBegan = microseconds
      progress.renewalAsked = -1
    case Mark.point: handlePoint(&cursor, into: &outputs)
    case Mark.proof:
      // Only behind the word that the cell was disconnected it means something.
      if progress.finalReason != nil { handleProof(&cursor, into: &outputs) }
    default:
      noteGarbage("a mark of no kind of ours", into: &outputs)
    }
  }

  private mutating func handleCircuit(_ kind: Int64, at time: TimeSpan, into outputs: inout DriverOutputs) {
    guard progress.isDriven, progress.finalReason == nil else { return }
    noteBegan(into: &outputs)
    if kind == Mark.opened {
      guard progress.isClosed else { return }
      noteOpened(at: time, into: &outputs)
      return
    }
    if progress.isClosed {
      guard kind == Mark.closedForHold else { return }
      // A script opens the circuit before it goes over to holding.
      outputs.events.append(.circuitMarkLost(channel: 0, at: time))
      noteOpened(at: time, into: &outputs)
    }
    noteClosed(at: time, isHold: kind == Mark.closedForHold, into: &outputs)
  }

  private mutating func noteClosed(at time: TimeSpan, isHold: Bool, into outputs: inout DriverOutputs) {
    progress.isClosed = true
    outputs.events.append(.circuitClosed(channel: 0, at: time))
    if isHold { outputs.events.append(.holdBegan(channel: 0, at: time)) }
  }

  private mutating func noteOpened(at time: TimeSpan, into outputs: inout DriverOutputs) {
    progress.isClosed = false
    progress.openedAt = time.microseconds
    outputs.events.append(.circuitOpened(channel: 0, at: time))
  }

  /// Current is measured and the mark of its closing never came: the circuit closed after it had last been open.
  private mutating func noteMissedClosing(seenAt time: TimeSpan, into outputs: inout DriverOutputs) {
    outputs.events.append(.circuitMarkLost(channel: 0, at: time))
    // A script closes a second time only to hold.
    let isHold: Bool
    if case .constantVoltage? = setpoint?.mode { isHold = true } else { isHold = progress.openedAt >= 0 }
    noteClosed(at: TimeSpan(microseconds: max(progress.openedAt, 0)), isHold: isHold, into: &outputs)
  }

  private mutating func handleFinal(_ final: FinalMark, into outputs: inout DriverOutputs) {
    guard progress.finalReason == nil else { return }
    noteBegan(into: &outputs)
    progress.finalReason = final.reason
    if progress.isDriven, !progress.isClosed,
      final.openedAt.microseconds > max(progress.openedAt, 0) + Self.longestSwitching.microseconds
    {
      noteMissedClosing(seenAt: final.openedAt, into: &outputs)
    }
    if progress.isClosed { noteOpened(at: final.openedAt, into: &outputs) }
  }

  /// At opening, the last message of a script that an earlier connection left running.
  private mutating func handleForeignPackage(_ line: UnsafeRawBufferPointer) {
    guard !isIdentified, var orphan, orphan.openedAt == nil, orphan.lastReading == nil else { return }
    var cursor = PackageCursor(line)
    guard let first = cursor.next(), first.type == VariableType.mark, first.count(unitExponent: 0) == Mark.final,
      let final = FinalMark(&cursor)
    else { return }
    if orphan.isDriven { orphan.openedAt = final.openedAt }
    orphan.lastReading = final.lastReading(isDriven: orphan.isDriven)
    orphan.end = Self.end(ofOrphan: final.reason)
    self.orphan = orphan
  }
}

/// The last message of a script.
struct FinalMark {
  var reason: Int64
  var openedAt: TimeSpan
  /// -1 when there was no sample.
  private var sampledAt: Int64
  private var potential: PackageVariable
  private var current: PackageVariable

  /// Reads what follows the mark's kind; nil when the shape is not exact.
  init?(_ cursor: inout PackageCursor) {
    guard let reason = cursor.next(), reason.type == VariableType.reason, let number = reason.count(unitExponent: 0),
      let opened = cursor.next(), opened.type == VariableType.time, let openedAt = opened.count(unitExponent: -6),
      openedAt >= 0,
      let sampled = cursor.next(), sampled.type == VariableType.time,
      let sampledAt = sampled.count(unitExponent: -6),
      let potential = cursor.next(), potential.type == VariableType.potential,
      let current = cursor.next(), current.type == VariableType.current, cursor.isComplete
    else { return nil }
    self.reason = number
    self.openedAt = TimeSpan(microseconds: openedAt)
    self.sampledAt = sampledAt
    self.potential = potential
    self.current = current
  }

  /// The last sample, without quality; nil when there was none.
  func lastReading(isDriven: Bool) -> Reading? {
    guard sampledAt >= 0 else { return nil }
    return Reading(
      time: TimeSpan(microseconds: sampledAt),
      voltage: potential.count(unitExponent: -9).map { Voltage(nanovolts: $0) },
      current: isDriven ? current.count(unitExponent: -12).map { Current(picoamperes: $0) } : .zero,
      range: isDriven ? current.range : 0)
  }
}
