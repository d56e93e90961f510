// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What the models are: their ranges, what their power lets them do, and what they call themselves.

extension KeithleyInstrument {
  /// Which SourceMeter it is.
  public enum Model: String, Sendable, Hashable, CaseIterable {
    /// The 2400, with RS-232.
    case model2400 = "2400"
    /// The 2450, 1 A and 200 V, with USBTMC and a socket.
    case model2450 = "2450"
    /// The 2460, 7 A and 100 V.
    case model2460 = "2460"

    /// Whether it is one of those with a touch screen, which their maker calls interactive.
    var isInteractive: Bool { self != .model2400 }

    /// Full scales of the current ranges in amperes.
    var currentRanges: [Double] {
      switch self {
      case .model2400: [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1]
      case .model2450: [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1]
      case .model2460: [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 4, 5, 7]
      }
    }

    /// Full scales of the voltage ranges in volts.
    var voltageRanges: [Double] {
      switch self {
      case .model2400: [0.2, 2, 20, 200]
      case .model2450: [0.02, 0.2, 2, 20, 200]
      case .model2460: [0.2, 2, 7, 10, 20, 100]
      }
    }

    /// The most voltage that it can limit in a current range.
    func largestVoltage(inCurrentRange range: Double) -> Double {
      switch self {
      case .model2400: 210
      case .model2450: range > 0.1 ? 21 : 210
      case .model2460: range > 5 ? 7.35 : range > 4 ? 10.5 : range > 1 ? 21 : 105
      }
    }

    /// The most current that it can limit in a voltage range.
    func largestCurrent(inVoltageRange range: Double) -> Double {
      switch self {
      case .model2400: 1.05
      case .model2450: range > 20 ? 0.105 : 1.05
      case .model2460: range > 20 ? 1.05 : range > 10 ? 4.2 : range > 7 ? 5.25 : 7.35
      }
    }

    /// What it says in front of its serial number.
    var maker: String {
      isInteractive ? "KEITHLEY INSTRUMENTS,MODEL \(rawValue)" : "KEITHLEY INSTRUMENTS INC.,MODEL 2400"
    }

    /// Its firmware.
    var firmware: String { isInteractive ? "1.7.12b" : "C32 Oct 4 2010 14:20:11/A02 /K/J" }

    /// Seconds that a byte takes: ten bits at 9,600 bits per second, or next to nothing.
    var byteTime: Double { isInteractive ? 1e-6 : KeithleyInstrument.byteTime }
  }

  /// The command sets of a 2450 or 2460.
  public enum Language: String, Sendable, Hashable, CaseIterable {
    /// Its own.
    case scpi = "SCPI"
    /// That of a 2400.
    case scpi2400 = "SCPI2400"
    /// Scripts.
    case tsp = "TSP"
  }
}
