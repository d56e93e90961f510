// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import VirtualLab

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

/// What stands on the bench.
public struct BenchPlan: Sendable {
  /// The instrument, the same everywhere.
  public var instrument: EmulatedModel
  /// The preset's name, for people.
  public var cellName: String
  /// The cell's preset.
  public var preset: CellPreset?
  /// The path of a recording, for an instrument that plays one.
  public var recording: String?
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
  /// Whether each instrument listens on the network too, at a port of this machine.
  public var hasSockets = false
  /// Virtual seconds that an instrument takes for each instruction.
  public var instructionSeconds: Double
  /// Charge below so many volts counts as plateau charge in the truth; nil counts none.
  public var plateauThresholdVolts: Double?
  /// The thermometer; nil for a bench without.
  public var thermometer: ThermometerPlan?
  /// What goes wrong, and when; nil where nothing does.
  public var faults: FaultScript?
  /// The folder for links, control socket and truths.
  public var links: String

  /// A plan of one instrument at real time, with settings to be changed.
  public init(instrument: EmulatedModel, cellName: String, preset: CellPreset?, links: String) {
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
  func name(of number: Int) -> String { "\(instrument.name)-\(number)" }

  /// A serial number like `NASIM0001`, or where the wire has room for a number only, that; `-` where it tells none.
  func serial(of number: Int) -> String {
    switch instrument.identification {
    case .number: return String(number)
    case .none: return "-"
    case .text: break
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
  func makeInstrument(number: Int) throws(BenchError) -> any EmulatedInstrument {
    let seeds = (0..<instrument.channels).map { cellSeed(number: number, channel: $0) }
    var parts = EmulatedParts(
      number: number, serial: serial(of: number), cells: seeds.compactMap { preset?.makeCell(seed: $0) },
      seed: seeds[0] ?? UInt64(number))
    parts.converters = converters
    parts.hasImpedance = hasImpedance
    parts.instructionSeconds = instructionSeconds
    parts.plateauThresholdVolts = plateauThresholdVolts
    parts.recording = recording
    do { return try instrument.make(parts) } catch { throw BenchError("\(error)") }
  }

  /// The instrument of that number with its faults.
  func makeFaultyInstrument(number: Int) throws(BenchError) -> FaultyInstrument {
    FaultyInstrument(
      try makeInstrument(number: number), faults: faults?.faults(of: number) ?? [],
      seed: (faults?.seed ?? 0) &+ UInt64(number) &* 0xA24B_AED4_963E_E407)
  }
}
