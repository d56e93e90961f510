// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// Which board an emulated Rodeostat is.
public struct RodeostatBoard: Sendable, Hashable {
  /// The processor's board, which decides the converter and whether there may be a multiplexer.
  public enum Processor: Sendable, Hashable {
    /// Twelve bits, no multiplexer.
    case itsyBitsy
    /// Sixteen bits at the inputs, a multiplexer.
    case teensy
  }

  /// The analogue half.
  public enum CurrentVariant: String, Sendable, Hashable, CaseIterable {
    /// 60 nA to 10 µA.
    case nanoAmp
    /// 1 µA to 1 mA.
    case microAmp
    /// 10 µA to 10 mA.
    case tenMilliAmp = "10MilliAmp"
    /// 100 µA to 24 mA.
    case twentyFourMilliAmp = "24MilliAmp"

    /// Names and full scales in microamperes, in the firmware's order; the first of `standard` after power-on.
    var ranges: [ConverterRange] {
      let all: [(String, Float)] =
        switch self {
        case .nanoAmp: [("1uA", 1), ("10uA", 10), ("60nA", 0.06), ("100nA", 0.1)]
        case .microAmp: [("1uA", 1), ("10uA", 10), ("100uA", 100), ("1000uA", 1_000)]
        case .tenMilliAmp: [("10uA", 10), ("100uA", 100), ("1000uA", 1_000), ("10000uA", 10_000)]
        case .twentyFourMilliAmp:
          [("100uA", 100), ("1000uA", 1_000), ("12000uA", 12_024), ("24000uA", 24_048)]
        }
      return all.map { ConverterRange(name: $0.0, fullScale: $0.1) }
    }

    var standardRange: ConverterRange { ranges[1] }
  }

  /// The processor's board.
  public var processor: Processor
  /// The analogue half.
  public var current: CurrentVariant
  /// Whether it has switches at its electrodes, which the older hardware V0.1 has not.
  public var hasSwitches: Bool

  /// A board; the usual one today by default.
  public init(
    processor: Processor = .itsyBitsy, current: CurrentVariant = .microAmp, hasSwitches: Bool = true
  ) {
    self.processor = processor
    self.current = current
    self.hasSwitches = hasSwitches
  }

  /// The largest code of its inputs.
  var mostInput: Int { processor == .teensy ? 65_535 : 4_095 }
  /// The largest code of its output.
  static let mostOutput = 4_095
  var hasMultiplexer: Bool { processor == .teensy }
  var hardware: String { hasSwitches ? "V0.2" : "V0.1" }
  var variant: String { "10V_\(current.rawValue)\(hardware)" }
}
