// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import MethodSCRIPTEmulator
public import VirtualLab

/// The instruments that the bench can emulate.
public enum InstrumentKind: String, Sendable, CaseIterable {
  /// PalmSens EmStat4 HR, ±6 V and ±200 mA.
  case emStat4HR = "emstat4-hr"
  /// PalmSens Nexus, ±10 V and ±1 A.
  case nexus
}

/// How virtual time follows real time.
public enum Pace: Sendable, Hashable {
  /// So many virtual seconds in a real one; above 0.
  case times(Double)
  /// As fast as the host takes the output.
  case greatest

  /// Reads `max` or a number above 0.
  public init?(_ text: String) {
    if text == "max" {
      self = .greatest
      return
    }
    guard let factor = Double(text), factor > 0, factor.isFinite else { return nil }
    self = .times(factor)
  }
}

/// What the converters of the instruments are like.
public enum ConverterKind: String, Sendable, CaseIterable {
  /// Perfect but for the digits on the wire.
  case ideal
  /// With offset, gain, noise and resolution.
  case real
}

/// What stands on the bench.
public struct BenchPlan: Sendable {
  /// The instrument, the same everywhere.
  public var instrument: InstrumentKind
  /// The preset's name, for people.
  public var cellName: String
  /// The cell's preset.
  public var preset: CellPreset
  /// How many instruments, each with a cell of its own; at least 1.
  public var count: Int
  /// The number of the first of them, in link names and serial numbers.
  public var firstNumber: Int
  /// How fast time passes.
  public var pace: Pace
  /// With a seed the cells differ from the preset as cells of a batch do; without one each is exactly the preset.
  public var seed: UInt64?
  /// The converters.
  public var converters: ConverterKind
  /// Whether the instruments have their maker's option for impedance.
  public var hasImpedance = true
  /// Virtual seconds that an instrument takes for each instruction.
  public var instructionSeconds: Double
  /// Charge below so many volts counts as plateau charge in the truth; nil counts none.
  public var plateauThresholdVolts: Double?
  /// The thermometer; nil for a bench without.
  public var thermometer: ThermometerPlan?
  /// The folder for links, control socket and truths.
  public var links: String

  /// A plan of one instrument at real time, with settings to be changed.
  public init(instrument: InstrumentKind, cellName: String, preset: CellPreset, links: String) {
    self.instrument = instrument
    self.cellName = cellName
    self.preset = preset
    self.links = links
    count = 1
    firstNumber = 1
    pace = .times(1)
    seed = nil
    converters = .ideal
    instructionSeconds = 0.001
    plateauThresholdVolts = nil
    thermometer = nil
  }

  /// A name like `emstat4-hr-1`.
  func name(of number: Int) -> String { "\(instrument.rawValue)-\(number)" }

  /// A serial number like `NASIM0001`.
  func serial(of number: Int) -> String {
    let digits = String(number)
    return "NASIM" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }

  /// A new instrument with a new cell.
  func makeInstrument(number: Int) -> any EmulatedInstrument {
    // Neighbouring numbers must give unlike cells: the generator scatters them.
    let ownSeed = seed.map { seed in
      var numbers = SeededNumbers(seed: seed &+ UInt64(number) &* 0xA24B_AED4_963E_E407)
      return numbers.next()
    }
    var profile: MethodSCRIPTProfile =
      switch instrument {
      case .emStat4HR: .emStat4HR
      case .nexus: .nexus
      }
    profile.hasImpedance = hasImpedance
    let converters: ConverterModel =
      switch converters {
      case .ideal: .ideal
      case .real: .real()
      }
    return MethodSCRIPTInstrument(
      profile: profile, serial: serial(of: number), cell: preset.makeCell(seed: ownSeed), converters: converters,
      plateauThresholdVolts: plateauThresholdVolts, instructionSeconds: instructionSeconds,
      seed: ownSeed ?? UInt64(number))
  }
}
