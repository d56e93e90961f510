// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What tells one model of the family from another. Figures are from the public tables of ranges and limits; where a
// figure is a guess, the README beside this file says so.

/// One model of the instrument family.
public struct MethodSCRIPTProfile: Sendable, Hashable {
  /// A range with the index that metadata names it by.
  public struct Range: Sendable, Hashable {
    /// The index in metadata of a potentiostatic measurement.
    public var index: UInt8
    /// The index in metadata of a galvanostatic measurement.
    public var galvanostaticIndex: UInt8
    /// Amperes or volts.
    public var fullScale: Double
    /// A range.
    public init(index: UInt8, galvanostaticIndex: UInt8? = nil, fullScale: Double) {
      self.index = index
      self.galvanostaticIndex = galvanostaticIndex ?? index
      self.fullScale = fullScale
    }
  }

  /// The model as people call it.
  public var name: String
  /// The first line of the answer to `t`, without the leading letter.
  public var firmware: String
  /// The answer to `v`, without the leading letter.
  public var languageVersion: String
  /// The largest potential in volts, either sign.
  public var largestVoltage: Double
  /// The largest current in amperes, either sign.
  public var largestCurrent: Double
  /// How far beyond its full scale a current range still measures and drives, as a factor.
  public var rangeHeadroom: Double
  /// Current ranges, ascending.
  public var currentRanges: [Range]
  /// Potential ranges, ascending; the last one reaches `largestVoltage` whatever its name.
  public var potentialRanges: [Range]
  /// Whether it has a galvanostat; without one the galvanostatic commands do not exist.
  public var hasGalvanostat: Bool
  /// Whether `cell_on` takes `ocp(…)`.
  public var startsAtOpenCircuit: Bool
  /// Whether it has its maker's option for impedance; without it `meas_loop_eis` is not carried out.
  public var hasImpedance = true
  /// The highest frequency in hertz at which it measures an impedance.
  public var highestFrequency: Double
  /// The largest amplitude in volts, root mean square, with which it does.
  public var largestAmplitude: Double

  /// A model.
  public init(
    name: String, firmware: String, languageVersion: String, largestVoltage: Double, largestCurrent: Double,
    rangeHeadroom: Double, currentRanges: [Range], potentialRanges: [Range], hasGalvanostat: Bool,
    startsAtOpenCircuit: Bool, highestFrequency: Double = 200e3, largestAmplitude: Double = 0.25
  ) {
    self.name = name
    self.firmware = firmware
    self.languageVersion = languageVersion
    self.largestVoltage = largestVoltage
    self.largestCurrent = largestCurrent
    self.rangeHeadroom = rangeHeadroom
    self.currentRanges = currentRanges
    self.potentialRanges = potentialRanges
    self.hasGalvanostat = hasGalvanostat
    self.startsAtOpenCircuit = startsAtOpenCircuit
    self.highestFrequency = highestFrequency
    self.largestAmplitude = largestAmplitude
  }

  /// EmStat4 HR: ±6 V, ±200 mA, current ranges 100 nA to 100 mA.
  public static var emStat4HR: MethodSCRIPTProfile {
    MethodSCRIPTProfile(
      name: "EmStat4 HR", firmware: "es4_hr1500#Mar 12 2026 14:28:01", languageVersion: "01.09.00",
      largestVoltage: 6, largestCurrent: 0.2, rangeHeadroom: 2,
      currentRanges: [
        Range(index: 9, fullScale: 100e-9), Range(index: 12, fullScale: 1e-6), Range(index: 15, fullScale: 10e-6),
        Range(index: 18, fullScale: 100e-6), Range(index: 21, fullScale: 1e-3), Range(index: 24, fullScale: 10e-3),
        Range(index: 27, fullScale: 100e-3),
      ],
      potentialRanges: [
        Range(index: 2, fullScale: 0.05), Range(index: 3, fullScale: 0.1), Range(index: 4, fullScale: 0.2),
        Range(index: 5, fullScale: 0.5), Range(index: 6, fullScale: 1),
      ],
      hasGalvanostat: true, startsAtOpenCircuit: false)
  }

  /// Nexus: ±10 V, ±1 A, current ranges 1 nA to 1 A.
  public static var nexus: MethodSCRIPTProfile {
    MethodSCRIPTProfile(
      name: "Nexus", firmware: "nexus11200#Mar 12 2026 14:28:01", languageVersion: "01.09.00",
      largestVoltage: 10, largestCurrent: 1, rangeHeadroom: 1,
      currentRanges: [
        Range(index: 0, galvanostaticIndex: 32, fullScale: 1e-9),
        Range(index: 1, galvanostaticIndex: 33, fullScale: 10e-9),
        Range(index: 2, galvanostaticIndex: 34, fullScale: 100e-9),
        Range(index: 3, galvanostaticIndex: 35, fullScale: 1e-6),
        Range(index: 4, galvanostaticIndex: 36, fullScale: 10e-6),
        Range(index: 5, galvanostaticIndex: 37, fullScale: 100e-6),
        Range(index: 8, galvanostaticIndex: 40, fullScale: 1e-3),
        Range(index: 9, galvanostaticIndex: 41, fullScale: 10e-3),
        Range(index: 10, galvanostaticIndex: 42, fullScale: 100e-3),
        Range(index: 11, galvanostaticIndex: 43, fullScale: 1),
      ],
      potentialRanges: [
        Range(index: 3, fullScale: 0.001), Range(index: 2, fullScale: 0.01), Range(index: 1, fullScale: 0.1),
        Range(index: 0, fullScale: 1),
      ],
      hasGalvanostat: true, startsAtOpenCircuit: true, highestFrequency: 1e6)
  }

  /// EmStat Pico in low-speed mode: -1.7 to 2 V taken as ±2 V, ±5 mA, and no galvanostat.
  public static var emStatPico: MethodSCRIPTProfile {
    let scales = [100e-9, 2e-6, 4e-6, 8e-6, 16e-6, 32e-6, 63e-6, 125e-6, 250e-6, 500e-6, 1e-3, 5e-3]
    return MethodSCRIPTProfile(
      name: "EmStat Pico", firmware: "espico1601#Mar 12 2026 14:28:01", languageVersion: "01.06.00",
      largestVoltage: 2, largestCurrent: 5e-3, rangeHeadroom: 1,
      currentRanges: scales.enumerated().map { Range(index: UInt8($0.offset), fullScale: $0.element) },
      potentialRanges: [Range(index: 0, fullScale: 2)], hasGalvanostat: false, startsAtOpenCircuit: false)
  }
}
