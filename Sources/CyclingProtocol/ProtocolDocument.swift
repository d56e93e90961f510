// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A protocol as it was written: everything decoded, nothing resolved against a cell. It keeps the place of every value,
// because what is wrong with a current is often known only when the cell's mass is.

public import CyclerModel
public import Quantities

/// A protocol file that is right in itself.
public struct ProtocolDocument: Sendable {
  /// The title.
  public let title: String
  /// What the author has to say; no meaning for the machine.
  public let notes: String?
  /// The role that the cell must have.
  public let role: CellRole
  /// The name of the cell that the file is for, where it says one.
  public let cellName: String?
  /// The values of the cell that the file itself carries.
  public let values: CellValues
  /// The values that the file says a cell must bring, in the order of the file.
  public let requires: [CellBasis]
  /// The values that its currents and charges are computed from.
  public let needs: Set<CellBasis>
  /// The file, exactly.
  public let source: String

  let cell: WrittenCell
  let limits: WrittenLimits
  let record: RecordRule
  let recordSite: Site
  let metrics: MetricParameters
  let onInterruption: InterruptionPolicy
  let steps: [WrittenStep]
  let stepsSite: Site
}

/// The `cell` section.
struct WrittenCell: Sendable {
  var site: Site
  var role: CellRole
  var name: String?
  var requires: [Sited<CellBasis>]
  var activeMass: Sited<Mass>?
  var area: Sited<Area>?
  var nominalCapacity: Sited<Charge>?
  var expectOpenCircuit: VoltageWindow
  var allowPlating: Bool
}

/// The `limits` section.
struct WrittenLimits: Sendable {
  struct CurrentLimit: Sendable {
    var soft: Sited<CurrentExpression>
    var hard: Sited<CurrentExpression>?
    var tolerance: TimeSpan
    var action: LimitAction?
  }
  struct VoltageLimits: Sendable {
    var low: Sited<Voltage>
    var high: Sited<Voltage>
    var hardLow: Sited<Voltage>
    var hardHigh: Sited<Voltage>
    var tolerance: TimeSpan
    var action: LimitAction?
  }
  var voltage: VoltageLimits
  var charge: CurrentLimit
  var discharge: CurrentLimit
  var halfCycleCharge: Sited<ChargeExpression>
  var emptyBelow: Sited<ChargeExpression>?
  var emptyInARow: Int
  var halfCycleAction: LimitAction?
  var emptyAction: LimitAction?
  var temperature: TemperatureLimits?
}

/// The `limits` of one step; what is missing is the run's.
struct WrittenStepLimits: Sendable {
  var voltage: WrittenLimits.VoltageLimits?
  var charge: WrittenLimits.CurrentLimit?
  var discharge: WrittenLimits.CurrentLimit?
}

/// One step or block as written.
struct WrittenStep: Sendable {
  enum Body: Sendable {
    case rest(WrittenRest)
    case drive(WrittenDrive)
    case hold(WrittenHold)
    case sweep(WrittenSweep)
    case profile(WrittenProfile)
    case impedance(WrittenImpedance)
    indirect case block(WrittenBlock)
    indirect case test(WrittenTest)
  }
  var site: Site
  var label: String?
  var body: Body
  /// When its readings become records, where it says so itself.
  var record: [Sited<RecordSegment>] = []
  /// What must not be passed in it, where that is narrower than the run's.
  var limits: WrittenStepLimits?
}

/// A rest.
struct WrittenRest: Sendable {
  var duration: Sited<TimeSpan>
  var until: [WrittenCondition]
}

/// A current, with a voltage to hold at its end where `to` is there.
struct WrittenDrive: Sendable {
  var direction: Direction
  /// The constant current, or the most that flows where it follows the voltage or is measured.
  var current: Sited<CurrentExpression>
  /// The share of a measured capacity that the constant current is, where it is one.
  var share: Sited<MeasuredShare>?
  /// What the current follows from where it is not constant.
  var law: Sited<CurrentDemand.Law>?
  var to: Sited<Voltage>?
  var holdUntil: [WrittenCondition]
  var until: [WrittenCondition]
  var isDiagnostic: Bool
  var settle: Sited<TimeSpan>?
  /// What it is in a reservoir test.
  var part: Sited<EfficiencyTestPart>?
}

/// A test of plating.
struct WrittenTest: Sendable {
  var kind: EfficiencyTestKind
  var steps: [WrittenStep]
  /// False when a step in it could not be read.
  var isComplete: Bool
}

/// A held voltage.
struct WrittenHold: Sendable {
  var voltage: Sited<Voltage>
  var currentAtMost: Sited<CurrentExpression>
  var until: [WrittenCondition]
  var isDiagnostic: Bool
  var settle: Sited<TimeSpan>?
}

/// Currents one after the other.
struct WrittenProfile: Sendable {
  struct Row: Sendable {
    /// `none` where nothing flows.
    var direction: Direction
    var current: Sited<CurrentExpression>?
    var duration: Sited<TimeSpan>
  }
  var rows: [Row]
  var until: [WrittenCondition]
}

/// A voltage that moves at a constant rate.
struct WrittenSweep: Sendable {
  var rate: Sited<VoltageRate>
  var from: Sited<Voltage>?
  var to: Sited<Voltage>
  var backTo: Sited<Voltage>?
  var currentAtMost: Sited<CurrentExpression>
  var until: [WrittenCondition]

  /// All that it goes to.
  var targets: [Sited<Voltage>] { [to] + [backTo].compactMap { $0 } }
}

/// An impedance spectrum.
struct WrittenImpedance: Sendable {
  /// Root mean square.
  var amplitude: Sited<Voltage>
  var from: Sited<Frequency>
  var to: Sited<Frequency>
  var pointsPerDecade: Int64
  var currentAtMost: Sited<CurrentExpression>
}

/// A `cycles` block (with a purpose) or a `repeat` block (without).
struct WrittenBlock: Sendable {
  var purpose: CyclePurpose?
  var passes: Int64
  var steps: [WrittenStep]
  var until: [WrittenPassCondition]
  /// False when a step in it could not be read, so that nothing can be said about the pass as a whole.
  var isComplete: Bool

  var isCycles: Bool { purpose != nil }
}

/// What ends a block before its passes are done, as written.
struct WrittenPassCondition: Sendable {
  enum Value: Sendable {
    case share(Share)
    case charge(ChargeExpression)
    case voltage(Voltage)
    case time(TimeSpan)
    case count(Int64)
  }
  var site: Site
  var quantity: PassCondition.Quantity
  var comparison: Comparison
  var value: Value
  var cyclesInARow: Int32
  var target: Sited<WrittenTarget>
  var text: String
  /// What it is joined with by `and`.
  var also: [WrittenPassCondition] = []
}

/// Where a run goes on, as written.
enum WrittenTarget: Sendable, Hashable {
  case next
  case end
  case hold
  case label(String)

  /// What is known before the instructions are laid out.
  var compiled: ConditionTarget {
    switch self {
    case .next, .label: .next
    case .end: .end
    case .hold: .hold
    }
  }
}

/// A condition of a step as written: one comparison, or several joined by `and`.
struct WrittenCondition: Sendable {
  enum Value: Sendable {
    case voltage(Voltage)
    case current(CurrentExpression)
    case time(TimeSpan)
    case charge(ChargeExpression)
    case energy(Energy)
    case rate(VoltageRate)
    case temperature(Temperature)
    case share(MeasuredShare)
    /// For each volt.
    case chargePerVolt(ChargeExpression)
    case count(Int64)
  }
  var site: Site
  var quantity: EndCondition.Quantity
  var comparison: Comparison
  var value: Value
  /// The whole condition, with what it is joined with and for how long.
  var text: String
  var target: Sited<WrittenTarget>
  /// What must hold as well.
  var also: [WrittenCondition] = []
  /// How long it must hold.
  var lasting: Sited<TimeSpan>?

  /// Whether one comparison at one reading decides it.
  var isPlain: Bool { also.isEmpty && lasting == nil }

  /// The share of a measured capacity that it compares with, where it is one.
  var share: MeasuredShare? { if case .share(let share) = value { share } else { nil } }
}
