// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What a file of another program says, in our words: steps with a direction and exact values, and loops as trees. What
// the file does not say (a role, limits, time bounds) is added later, by PlanLayout and PlanHeader.

import CyclerModel
import CyclingProtocol
import Quantities

/// A file of another program, read.
struct ForeignPlan: Sendable {
  var format: ForeignFormat
  /// The version that the file names, where it does.
  var version: String?
  var cellName: String?
  var nominalCapacity: Charge?
  var record = PlanRecord()
  /// Whether the file says how often is recorded.
  var saysRecord = false
  var safety = PlanSafety()
  var steps: [PlanStep] = []
  /// What a person should know of the reading.
  var notes: [String] = []
}

/// When a reading is recorded.
struct PlanRecord: Sendable {
  var every = TimeSpan(seconds: 60)
  var onVoltageChange: Voltage?
  var onCurrentChange: Current?
}

/// Limits of a whole file; nil where it says none.
struct PlanSafety: Sendable {
  var highestVoltage: Voltage?
  var lowestVoltage: Voltage?
  /// Magnitudes.
  var chargeCurrent: Current?
  var dischargeCurrent: Current?
  var charge: Charge?
  var delay: TimeSpan?
}

/// A current's magnitude.
enum PlanCurrent: Sendable, Hashable {
  case amperes(Current)
  /// So many times the current that moves the nominal capacity in an hour.
  case rate(Fraction)

  /// As our language writes it; nil when a rate has no finite decimals and the capacity is not known.
  func written(capacity: Charge?) -> String? {
    switch self {
    case .amperes(let current): return current.written
    case .rate(let rate):
      let isWhole = rate.denominator == 1
      if !isWhole, let hours = rate.inverse?.decimal, rate.numerator == 1 || rate.decimal == nil { return "C/\(hours)" }
      if let decimal = rate.decimal { return "\(decimal) C" }
      return amperes(capacity: capacity)?.written
    }
  }

  /// In amperes, where that can be known.
  func amperes(capacity: Charge?) -> Current? {
    switch self {
    case .amperes(let current): return current
    case .rate(let rate):
      // 1 nC in one hour is 5/18 pA.
      guard let capacity, let share = Fraction(5, over: 18)?.times(Fraction(capacity.count)),
        let count = share.times(rate)?.count(unitsInOne: 1)
      else { return nil }
      return Current(count: count)
    }
  }
}

/// One step or loop. Two steps are the same when they say the same, wherever they stand.
enum PlanStep: Sendable, Hashable {
  case rest(TimeSpan, every: TimeSpan?)
  case drive(PlanDrive)
  case hold(PlanHold)
  case demand(PlanDemand)
  case sweep(PlanSweep)
  indirect case loop(PlanLoop)
}

/// A constant current until a time or a voltage, whichever comes first.
struct PlanDrive: Sendable, Hashable {
  var direction: Direction
  var current: PlanCurrent
  var time: TimeSpan?
  var voltage: Voltage?
  /// The voltage is then held.
  var hold: PlanHold?
  /// The step's own interval of records.
  var every: TimeSpan?
}

/// A constant power or resistance until a time or a voltage, whichever comes first.
struct PlanDemand: Sendable, Hashable {
  var direction: Direction
  var law: CurrentDemand.Law
  var time: TimeSpan?
  var voltage: Voltage?
  /// The step's own interval of records.
  var every: TimeSpan?
}

/// A voltage that moves at a constant rate from where it begins to where it ends.
struct PlanSweep: Sendable, Hashable {
  var from: Voltage
  var to: Voltage
  /// A magnitude.
  var rate: VoltageRate
}

/// A held voltage until a time or a small current, whichever comes first.
struct PlanHold: Sendable, Hashable {
  var voltage: Voltage
  var time: TimeSpan?
  var current: PlanCurrent?
  var every: TimeSpan?
}

/// Steps that are gone through so many times.
struct PlanLoop: Sendable, Hashable {
  var passes: Int64
  var label: String?
  var body: [PlanStep]
}

extension Set<String> {
  /// The name, or with a number behind it where it is there already; it is there afterwards.
  mutating func insertUnused(_ name: String) -> String {
    var candidate = name
    var number = 2
    while !insert(candidate).inserted {
      candidate = "\(name) \(number)"
      number += 1
    }
    return candidate
  }
}

extension [PlanStep] {
  /// A constant current to a voltage that the next step holds is one step here: the voltage is written once and the change
  /// is the instrument's. Where the current may also end by a time the hold stays a step of its own.
  func joiningHolds() -> [PlanStep] {
    var joined: [PlanStep] = []
    for step in self {
      switch step {
      case .hold(let hold):
        if case .drive(var drive) = joined.last, drive.time == nil, drive.hold == nil, drive.voltage == hold.voltage,
          drive.every == hold.every
        {
          drive.hold = hold
          joined[joined.count - 1] = .drive(drive)
        } else {
          joined.append(step)
        }
      case .loop(var loop):
        loop.body = loop.body.joiningHolds()
        joined.append(.loop(loop))
      case .rest, .drive, .demand, .sweep: joined.append(step)
      }
    }
    return joined
  }

  /// Steps with what stands inside of loops, each once.
  var flat: [PlanStep] {
    flatMap { step -> [PlanStep] in
      if case .loop(let loop) = step { loop.body.flat } else { [step] }
    }
  }
}
