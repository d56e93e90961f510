// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Tests of the efficiency of plating and stripping. What a half-cycle means in such a test is declared by the protocol:
// pairing the half-cycles of a reservoir test as if they were cycles would give 0.92 where the truth is 0.995.

public import Quantities

/// How the efficiency of plating is measured.
public enum EfficiencyTestKind: String, Sendable, Hashable, CaseIterable {
  /// A reservoir is plated, part of it is stripped and plated again several times, then everything is stripped.
  case reservoir
  /// Whole cycles, each stripped to its end.
  case longCycling = "long_cycling"
}

/// What a closed step is in a test.
public enum EfficiencyTestPart: String, Sendable, Hashable, CaseIterable {
  /// The reservoir is plated.
  case reservoir
  /// A part of it is stripped or plated again.
  case cycled
  /// Everything that is left is stripped.
  case finalStrip = "final_strip"
}

/// A test of a program.
public struct EfficiencyTest: Sendable, Hashable {
  /// How it measures.
  public var kind: EfficiencyTestKind
  /// Its label.
  public var label: String
  /// A test.
  public init(kind: EfficiencyTestKind, label: String) {
    self.kind = kind
    self.label = label
  }
}

/// Where a step of a program stands in a test.
public struct EfficiencyTestPlace: Sendable, Hashable {
  /// Index in the program's tests.
  public var test: Int
  /// What the step is there.
  public var part: EfficiencyTestPart
  /// A place.
  public init(test: Int, part: EfficiencyTestPart) {
    self.test = test
    self.part = part
  }
}

/// What is known of a test, told anew with each of its half-cycles.
public struct EfficiencyTestRow: Sendable, Hashable {
  /// The run.
  public var run: Int64
  /// Counted from 1 in the order of the protocol.
  public var number: Int32
  /// How it measures.
  public var kind: EfficiencyTestKind
  /// Its label.
  public var label: String
  /// How often was stripped apart from the final strip (`reservoir`), or in all (`long_cycling`).
  public var cycles: Int32
  /// What was plated as the reservoir; zero in `long_cycling`.
  public var reservoirCharge: Charge
  /// All that was plated, the reservoir included, a magnitude.
  public var platedCharge: Charge
  /// All that was stripped, a magnitude.
  public var strippedCharge: Charge
  /// Stripped over plated, as a fraction, never clamped; nil before the final strip (`reservoir`) or the first whole
  /// cycle (`long_cycling`), and when a charge of it is not known or was cut short.
  public var coulombicEfficiency: Double?
  /// What a reader must know.
  public var flags: DataFlags
  /// A row with nothing moved.
  public init(run: Int64, number: Int32, kind: EfficiencyTestKind, label: String) {
    self.run = run
    self.number = number
    self.kind = kind
    self.label = label
    cycles = 0
    reservoirCharge = .zero
    platedCharge = .zero
    strippedCharge = .zero
    flags = []
  }
}
