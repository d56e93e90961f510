// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The compact form of a script. Names, literals and jumps are resolved once, so that a loop of a dozen instructions
// runs in about a microsecond. Everything here is trivial: no references are counted while it runs.

/// Where an argument's value lives: a slot of the value table, or an element of an array that lies in it.
struct Operand: Hashable, Sendable {
  /// The slot, or the array's first slot.
  var slot: Int32
  /// The slot that holds the element's index; -1 when this is no element.
  var indexSlot: Int32 = -1
  /// The array's length when this is an element.
  var count: Int32 = 0
}

/// What two values are put to.
enum Relation: Sendable {
  case equal
  case notEqual
  case less
  case atMost
  case greater
  case atLeast

  init?(word: String) {
    switch word {
    case "==": self = .equal
    case "!=": self = .notEqual
    case "<": self = .less
    case "<=": self = .atMost
    case ">": self = .greater
    case ">=": self = .atLeast
    default: return nil
    }
  }
}

/// Arithmetic in place.
enum Operation: Sendable {
  case add
  case subtract
  case multiply
  case divide
  case remainder
  case and
  case or
  case exclusiveOr
  case shiftLeft
  case shiftRight
}

/// Changes of one value in place.
enum Conversion: Sendable {
  case integerToNumber
  case numberToInteger
  case numberToNearestInteger
  case invertBits
}

/// One step of a compiled script. A jump's number is an index into the instructions.
enum Instruction: Sendable {
  case store(Operand, from: Operand, VariableType)
  case copy(Operand, to: Operand)
  case arithmetic(Operation, Operand, Operand)
  case convert(Conversion, Operand)
  case retype(Operand, VariableType)
  /// Goes on behind it when the relation holds.
  case branch(Relation, Operand, Operand, otherwise: Int32)
  /// Takes no time.
  case jump(Int32)
  case breakLoop(Int32)
  /// Takes no time and sends `L`.
  case beginLoop
  case testLoop(Relation, Operand, Operand, exit: Int32)
  /// Takes no time and sends `+`.
  case endLoop
  /// Checks the arguments, applies the set value and sends `M`.
  case beginMeasurement(Int32)
  /// Takes no time; waits for the next sample or leaves for `exit`.
  case awaitSample(exit: Int32)
  case sample(Int32)
  /// Takes no time and sends `*`.
  case endMeasurement
  /// Waits as long as a single measurement takes, which the next instruction then completes.
  case awaitMeasurement(Operand)
  case measure(RangedQuantity, into: Operand)
  case wait(Operand)
  case startTimer
  case getTimer(Operand)
  case send(Int32)
  case beginPackage
  case addToPackage(Operand)
  case endPackage
  case setMode(PotentiostatMode)
  case setBandwidth(Operand)
  case setRange(RangedQuantity, low: Operand, high: Operand)
  case setAutoranging(RangedQuantity, low: Operand, high: Operand)
  case setVoltage(Operand)
  case setCurrent(Operand)
  case cellOn
  case cellOff
  case setOutput(Bool)
  /// A command that only takes its time.
  case nothing
  case abort
  case finish
}

/// What a measurement loop does.
struct MeasurementLoop: Sendable {
  /// The technique.
  enum Technique: Sendable {
    case potentiometry
    case amperometry
    case openCircuit
    /// A potential that steps from one value to another.
    case linearSweep
    /// Impedances at one frequency after the other.
    case impedance

    /// The line that announces it.
    var announcement: StaticString {
      switch self {
      case .potentiometry: "M000A\n"
      case .amperometry: "M0007\n"
      case .openCircuit: "M000B\n"
      case .linearSweep: "M0000\n"
      case .impedance: "M000D\n"
      }
    }
  }
  /// A further value that is measured with every sample.
  struct Addition: Sendable {
    var quantity: RangedQuantity
    var into: Operand
  }
  /// What only an impedance loop has.
  struct Spectrum: Sendable {
    var real: Operand
    var imaginary: Operand
    /// In volts, root mean square.
    var amplitude: Operand
    /// In hertz.
    var start: Operand
    var end: Operand
    var count: Operand
  }
  var technique: Technique
  /// The potential; of an impedance loop the frequency.
  var potential: Operand
  /// nil for open circuit.
  var current: Operand?
  /// The current or potential to apply; nil for open circuit.
  var setValue: Operand?
  /// In seconds; of a sweep the potential step, in volts.
  var interval: Operand
  /// In seconds; of a sweep the rate, in volts a second.
  var runTime: Operand
  /// Where a sweep ends; its begin is the set value.
  var sweepEnd: Operand?
  /// Where the time since the loop's start goes, if anywhere.
  var time: Operand?
  var additions: [Addition] = []
  /// Of an impedance loop, whose set value is the potential around which is measured; `interval` and `runTime` mean
  /// nothing there.
  var spectrum: Spectrum?
}

/// A part of an interpolated string.
enum TextPart: Sendable {
  case literal([UInt8])
  case value(Operand)
}

/// A script that passed every check that needs no instrument.
struct CompiledScript: Sendable {
  var instructions: [Instruction] = []
  /// The line of each instruction, counted from 1.
  var lines: [Int32] = []
  /// What the value table holds at the start: variables, array elements, literals.
  var initialValues: [ScriptValue] = []
  var loops: [MeasurementLoop] = []
  var texts: [[TextPart]] = []
  /// Where `on_finished:` begins, or nil.
  var onFinished: Int?
}
