// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What a family says of the instruments that it emulates, so that a bench can set them up without knowing the family.

/// A model of instrument that a bench can set up.
public struct EmulatedModel: Sendable {
  /// How an instrument is told from others of its model.
  public enum Identification: Sendable, Hashable {
    /// By a serial number that may hold letters.
    case text
    /// By a number, the only thing that its wire has room for.
    case number
    /// By nothing.
    case none
  }

  /// As it is named on a command line and in links, such as `keithley-2400`.
  public var name: String
  /// How many cells it drives.
  public var channels: Int
  /// Whether its own clock stamps all that it measures unasked. The readings of the others are asked for, or stamped, by a
  /// host in real time.
  public var hasItsOwnTime: Bool
  /// How it is told from others.
  public var identification: Identification
  /// Whether it runs scripts: instructions take time, and impedance is an option of its maker's.
  public var runsScripts: Bool
  /// Whether its converters can be emulated with their errors.
  public var hasConverterErrors: Bool
  /// Whether it plays a recording instead of having cells.
  public var playsRecording: Bool
  /// A new instrument, just switched on. Throws, in words for people, what is wrong with a recording.
  public var make: @Sendable (EmulatedParts) throws -> any EmulatedInstrument

  /// A model.
  public init(
    _ name: String, channels: Int = 1, hasItsOwnTime: Bool = false, identification: Identification = .text,
    runsScripts: Bool = false, hasConverterErrors: Bool = true, playsRecording: Bool = false,
    make: @escaping @Sendable (EmulatedParts) throws -> any EmulatedInstrument
  ) {
    self.name = name
    self.channels = channels
    self.hasItsOwnTime = hasItsOwnTime
    self.identification = identification
    self.runsScripts = runsScripts
    self.hasConverterErrors = hasConverterErrors
    self.playsRecording = playsRecording
    self.make = make
  }
}

/// What the converters of an instrument are like.
public enum ConverterKind: String, Sendable, CaseIterable {
  /// Perfect but for the digits on the wire.
  case ideal
  /// With offset, gain, noise and resolution.
  case real
}

/// What an emulated instrument is made of.
public struct EmulatedParts: Sendable {
  /// Its number on the bench.
  public var number: Int
  /// What it says when asked who it is; of a model that is told apart by a number, that number.
  public var serial: String
  /// The path of the recording, where it plays one.
  public var recording: String?
  /// One cell a channel; none where it plays a recording.
  public var cells: [any VirtualCell]
  /// For its noise.
  public var seed: UInt64
  /// The converters.
  public var converters: ConverterKind = .ideal
  /// Whether it has its maker's option for impedance, where it runs scripts.
  public var hasImpedance = true
  /// Virtual seconds that it takes for each instruction, where it runs scripts.
  public var instructionSeconds = 0.001
  /// Charge below so many volts counts as plateau charge in the truth; nil counts none.
  public var plateauThresholdVolts: Double?

  /// Parts.
  public init(number: Int, serial: String, cells: [any VirtualCell], seed: UInt64) {
    self.number = number
    self.serial = serial
    self.cells = cells
    self.seed = seed
  }
}
