// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ReplayEmulator
import VirtualLab

/// A recording of the set-points that the matrix asks for, so that a player of it has something to play: at 3 V and 1 mA, and
/// as the trial's cell would have behaved.
enum RecordedCourse {
  private static let amperes = 1e-3
  /// Seconds between rows: five of them are the shortest hold.
  private static let spacing = 0.4
  /// Volts in a second at 1 mA.
  private static let slope = 0.04 / 3

  private static let recording = try? Recording(text: Array(text.utf8), name: "trial")

  /// A player at its beginning. One that has nothing to play would be found by the matrix at once.
  static func makePlayer() -> any EmulatedInstrument {
    guard let recording else { preconditionFailure("the recording cannot be read") }
    return ReplayInstrument(recording)
  }

  private static var text: String {
    var rows = Rows()
    // Each ends just before the set-point's cut-off would end it: at 3.05 V, at 2.95 V, after 2 s of a hold, after 2.5 s.
    rows.drive(from: 3, step: 0.02, to: 3.0499, slope: slope, amperes: amperes)
    rows.drive(from: 3.0067, step: 0, to: 2.9501, slope: -slope, amperes: -amperes)
    rows.drive(from: 2.9933, step: 0, to: 3.0499, slope: slope, amperes: amperes)
    rows.hold(3.05, seconds: 2, amperes: amperes)
    rows.hold(3.01, seconds: 2.5, amperes: amperes / 2)
    return rows.text
  }

  /// Rows of a file.
  private struct Rows {
    var text = "time_s,current_A,voltage_V,step_index,step_time_s\n"
    private var count = 0
    private var step = 0

    private mutating func add(_ amperes: Double, _ volts: Double, _ place: Int) {
      let (time, since) = (rounded(Double(count) * spacing), rounded(Double(place) * spacing))
      text += "\(time),\(rounded(amperes * 1e3) / 1e3),\(rounded(volts)),\(step),\(since)\n"
      count += 1
    }

    /// With five digits behind the point: a file has no more, and a slow line has not all day.
    private func rounded(_ value: Double) -> Double { (value * 1e5).rounded() / 1e5 }

    /// A constant current; the first row is at the voltage before its ohmic step.
    mutating func drive(from: Double, step ohmic: Double, to end: Double, slope: Double, amperes: Double) {
      step += 1
      add(amperes, from, 0)
      var place = 1
      var volts = from + ohmic
      while slope > 0 ? volts < end : volts > end {
        add(amperes, volts, place)
        place += 1
        volts += slope * spacing
      }
    }

    /// A voltage, with a current that halves in a second.
    mutating func hold(_ volts: Double, seconds: Double, amperes: Double) {
      step += 1
      var amperes = amperes
      for place in 0..<Int(seconds / spacing) {
        add(amperes, volts, place)
        amperes *= 0.758
      }
    }
  }
}
