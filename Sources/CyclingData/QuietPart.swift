// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// What flowed in a half-cycle while there was hardly any current: an offset at rest in most tables, a trickle in those
/// whose rests show exactly nothing. Which of them only the whole table tells, so it is kept beside the sums.
struct QuietPart: Sendable, Hashable {
  /// In the half-cycle's direction, nC.
  private(set) var charge: Int64 = 0
  /// nJ.
  private(set) var energy: Int64 = 0
  /// nC.
  private(set) var plateau: Int64 = 0
  /// s.
  private(set) var time = 0.0
  private(set) var steps = 0
  /// Where the half-cycle ends when this is counted with it; nil when more current followed.
  var tail: Tail?

  /// An end.
  struct Tail: Sendable, Hashable {
    var end: Double
    var line: Int
    var voltage: Double
  }

  mutating func add(charge: Int64, energy: Int64, plateau: Int64, time: Double, steps: Int) {
    self.charge &+= charge
    self.energy &+= energy
    self.plateau &+= plateau
    self.time += time
    self.steps += steps
  }

  mutating func add(_ other: QuietPart) {
    add(charge: other.charge, energy: other.energy, plateau: other.plateau, time: other.time, steps: other.steps)
    tail = other.tail
  }
}
