// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// That the cell is disconnected is shown and not only said: the language acknowledges nothing that it tells the hardware,
// so the current is measured after every `cell_off`, by the script that ended, or by one of its own. Only what lies within
// the zero of the range that it was measured in counts as no current. Without that the circuit is not said to be open; the
// instrument is made safe again and again, and after three attempts a fault tells it.
//
// The script that disconnects is still one of a single line, and the one that measures comes after it: whatever an
// instrument makes of a measurement with the cell off, it is disconnected before. Mode and range stay as they are, because a
// switch that hangs would drive the cell by whatever else they were set to.
//
// A measurement can show a current and not where it flows: a meter that is wrong in any way keeps the circuit from being
// called open. The moment from a constant current to its hold is not shown; the circuit is closed again at once.

import CyclerModel
import InstrumentKit
import Quantities

/// Why it is not known that no current flows.
struct OpeningDoubt: Sendable, Hashable {
  /// For people.
  var words: String
  /// Whether a current was measured.
  var isFlow: Bool

  init(_ words: String, isFlow: Bool = false) {
    self.words = words
    self.isFlow = isFlow
  }
}

extension MethodSCRIPTDriver {
  /// The script that measures the current of a cell that was disconnected.
  static let proofScript = "e\nvar m\nvar s\n\(StepScript.proof.joined(separator: "\n"))\n\n"

  /// Lets the current be measured.
  mutating func startProof(into outputs: inout DriverOutputs) {
    proof = nil
    outputs.writes.append(contentsOf: Self.proofScript.utf8)
    wait(.proofSent, Deadline.answer)
  }

  /// A package while nothing but the current is measured.
  mutating func handleProofAlone(_ line: UnsafeRawBufferPointer, into outputs: inout DriverOutputs) {
    var cursor = PackageCursor(line)
    guard let first = cursor.next(), first.type == VariableType.mark, first.count(unitExponent: 0) == Mark.proof else {
      return noteGarbage("a package that is no measurement of the current", into: &outputs)
    }
    handleProof(&cursor, into: &outputs)
  }

  /// `Pja6;ba…`; the cursor stands behind the mark.
  mutating func handleProof(_ cursor: inout PackageCursor, into outputs: inout DriverOutputs) {
    guard let current = cursor.next(), current.type == VariableType.current, cursor.isComplete else {
      return noteGarbage("a malformed measurement of the current", into: &outputs)
    }
    proof = current
  }

  /// The script that measures has ended.
  mutating func proofIsOver(into outputs: inout DriverOutputs) {
    if proof == nil, unansweredCommands > 0 {
      // The end of a script that disconnects and was sent twice.
      unansweredCommands &-= 1
      return wait(.proofSent, Deadline.answer)
    }
    if let doubt = openingDoubt { return self.doubt(doubt, into: &outputs) }
    cellIsDisconnected(into: &outputs)
  }

  /// Why the last measurement does not show that no current flows; nil when it does.
  var openingDoubt: OpeningDoubt? {
    guard let proof else { return OpeningDoubt("it did not tell its current") }
    if proof.status & 2 != 0 { return OpeningDoubt("its current overloads the converter") }
    guard let picoamperes = proof.count(unitExponent: -12) else { return OpeningDoubt("its current is no number") }
    guard let zero = model?.zero(ofRange: proof.range) else {
      return OpeningDoubt("its current was measured in a range that is not known here, number \(proof.range)")
    }
    if picoamperes.magnitude <= zero.picoamperes.magnitude { return nil }
    let (measured, least) = (
      Literal.decimal(picoamperes, unitExponent: -12), Literal.decimal(zero.picoamperes, unitExponent: -12)
    )
    return OpeningDoubt("\(measured) A were measured afterwards, and its zero is good to \(least) A", isFlow: true)
  }

  /// It is not known that the cell is disconnected: everything again from the abort on, because answers that are still on
  /// their way would be taken for those to the next script.
  mutating func doubt(_ doubt: OpeningDoubt, into outputs: inout DriverOutputs) {
    noteDoubt(doubt, into: &outputs)
    let isSaid = doubts >= Deadline.misses
    stage = .quiet(.abort)
    deadline = HostInstant(microseconds: now.microseconds + (isSaid ? Deadline.silentRetry : Deadline.quiet))
  }

  /// Counts a doubt. The third in a row is said, and is how the set-point ends, should its circuit be opened at last.
  mutating func noteDoubt(_ doubt: OpeningDoubt, into outputs: inout DriverOutputs) {
    doubts = min(doubts &+ 1, Int32(Deadline.misses) + 1)
    guard doubts == Deadline.misses else { return }
    let fault = Fault(
      .instrumentError, "after \(doubts) commands the cell is not known to be disconnected, trying on: \(doubt.words)")
    outputs.events.append(.fault(channel: isIdentified ? 0 : nil, fault))
    guard isIdentified else { return }
    outputs.events.append(.circuit(channel: 0, .unknown))
    guard case .ending = purpose, progress.hasBegun else { return }
    failure = failure ?? fault
    // What has flowed since the script said that it disconnected is not known.
    guard doubt.isFlow, progress.isDriven, progress.openedAt >= 0 else { return }
    outputs.events.append(.circuitMarkLost(channel: 0, at: TimeSpan(microseconds: progress.openedAt)))
  }
}
