// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import BatlabEmulator
internal import KeithleySCPIEmulator
internal import MethodSCRIPTEmulator
internal import RodeostatEmulator
internal import ZKEtechEBCEmulator
public import VirtualLab

/// The instruments that the bench can emulate.
public enum InstrumentKind: String, Sendable, CaseIterable {
  /// PalmSens EmStat4 HR, ±6 V and ±200 mA.
  case emStat4HR = "emstat4-hr"
  /// PalmSens Nexus, ±10 V and ±1 A.
  case nexus
  /// Keithley 2400 SourceMeter, ±20 V and ±1 A.
  case keithley2400 = "keithley-2400"
  /// Lexcelon Batlab, four cells of 1.8 V to 4.5 V, up to 4 A.
  case batlab
  /// ZKEtech EBC-A20, 5 A charging and 20 A discharging.
  case ebcA20 = "ebc-a20"
  /// IO Rodeo Rodeostat of up to 10 mA, which sets voltages only.
  case rodeostat

  /// How many cells it drives.
  public var channels: Int { self == .batlab ? 4 : 1 }

  /// Whether its own clock stamps all that it measures unasked. The readings of the others are asked for, or stamped, by a host
  /// in real time.
  public var hasItsOwnTime: Bool {
    switch self {
    case .emStat4HR, .nexus: true
    case .keithley2400, .batlab, .ebcA20, .rodeostat: false
    }
  }
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

  /// A serial number like `NASIM0001`, or where the wire has room for a number only, that; `-` where it tells none.
  func serial(of number: Int) -> String {
    switch instrument {
    case .batlab, .rodeostat: return String(number)
    case .ebcA20: return "-"
    case .emStat4HR, .nexus, .keithley2400: break
    }
    let digits = String(number)
    return "NASIM" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }

  /// What makes the cell of a channel unlike its neighbours; nil for one that is exactly the preset.
  private func cellSeed(number: Int, channel: Int) -> UInt64? {
    // Neighbouring numbers must give unlike cells: the generator scatters them.
    seed.map { seed in
      var numbers = SeededNumbers(seed: seed &+ UInt64(number) &* 0xA24B_AED4_963E_E407)
      for _ in 0..<channel { _ = numbers.next() }
      return numbers.next()
    }
  }

  /// A new instrument with new cells.
  func makeInstrument(number: Int) -> any EmulatedInstrument {
    let seeds = (0..<instrument.channels).map { cellSeed(number: number, channel: $0) }
    switch instrument {
    case .emStat4HR: return makeMethodSCRIPT(.emStat4HR, number, seeds[0])
    case .nexus: return makeMethodSCRIPT(.nexus, number, seeds[0])
    case .keithley2400:
      var keithley = KeithleyInstrument(
        serial: serial(of: number), cell: preset.makeCell(seed: seeds[0]), plateauThreshold: plateauThresholdVolts)
      if converters == .ideal { (keithley.meter.sourceGainError, keithley.meter.sourceOffsetError) = (0, 0) }
      return keithley
    case .batlab:
      return BatlabInstrument(
        serial: UInt32(clamping: number), cells: seeds.map { preset.makeCell(seed: $0) },
        currentGain: converters == .ideal ? 1 : 1.01, plateauThresholdVolts: plateauThresholdVolts)
    case .rodeostat:
      return RodeostatInstrument(
        board: RodeostatBoard(processor: .itsyBitsy, current: .tenMilliAmp), deviceID: UInt32(clamping: number),
        cell: preset.makeCell(seed: seeds[0]), plateauThreshold: plateauThresholdVolts)
    case .ebcA20:
      return EBCInstrument(
        .a20, cell: preset.makeCell(seed: seeds[0]), currentGain: converters == .ideal ? 1 : 1.005,
        plateauThresholdVolts: plateauThresholdVolts)
    }
  }

  private func makeMethodSCRIPT(_ model: MethodSCRIPTProfile, _ number: Int, _ seed: UInt64?) -> MethodSCRIPTInstrument
  {
    var profile = model
    profile.hasImpedance = hasImpedance
    let converters: ConverterModel =
      switch converters {
      case .ideal: .ideal
      case .real: .real()
      }
    return MethodSCRIPTInstrument(
      profile: profile, serial: serial(of: number), cell: preset.makeCell(seed: seed), converters: converters,
      plateauThresholdVolts: plateauThresholdVolts, instructionSeconds: instructionSeconds,
      seed: seed ?? UInt64(number))
  }
}
