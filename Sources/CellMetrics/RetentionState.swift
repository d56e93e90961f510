// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CyclerModel
internal import Quantities

/// What retention needs to know of the cycles that are over: how many had the reference's purpose, and what the
/// reference itself gave back (docs/metrics.md, "Retention").
struct RetentionState: Sendable, Hashable {
  /// Cycles with the reference's purpose so far.
  private var seen: Int64 = 0
  /// The reference's reversible capacity; nil before it, and for good when it is not known.
  private var reference: Charge?

  init() {}

  /// A state in which the reference has passed and nobody noted what it was.
  static var unknown: RetentionState {
    var state = RetentionState()
    state.seen = .max
    return state
  }

  /// Takes the next cycle of the run.
  /// - Parameter reversible: what its second half-cycle moved; nil when that is incomplete.
  /// - Returns: its retention; 1 for the reference itself.
  mutating func take(purpose: CyclePurpose?, reversible: Charge?, reference named: CycleReference) -> Double? {
    if purpose == named.purpose, seen < .max {
      seen += 1
      if seen == named.number { reference = reversible }
    }
    guard let reversible, let reference, reference > .zero else { return nil }
    return Double(reversible.nanocoulombs) / Double(reference.nanocoulombs)
  }

  /// Whether the next cycle, if it has that purpose, is the reference.
  func isNext(purpose: CyclePurpose?, reference named: CycleReference) -> Bool {
    purpose == named.purpose && seen < .max && seen + 1 == named.number
  }

  func isLost(_ named: CycleReference) -> Bool { seen >= named.number && reference == nil }

  func encode(into writer: inout ByteWriter) {
    writer.write(seen)
    writer.write(reference?.nanocoulombs)
  }

  init(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    seen = try reader.read()
    reference = try reader.readOptional(Int64.self).map { Charge(nanocoulombs: $0) }
  }
}
