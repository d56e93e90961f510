// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit

@testable import CyclingRun

extension PilotBench {
  /// How many bytes of a checkpoint are about rests and about half-cycles besides their sums.
  var courseBytes: Int {
    var writer = ByteWriter()
    var pilot = pilot
    pilot.encodeCourse(into: &writer)
    return writer.bytes.count
  }

  /// The present step's circuit is closed and a current flows, with a reading a second.
  mutating func drive(_ amperes: Double, seconds: Double) {
    accept()
    for second in 1...Int(seconds.rounded(.up)) {
      read(amperes < 0 ? 0.5 : 1.5, amperes, after: min(1, seconds - Double(second - 1)))
    }
  }

  /// A rest, to its end.
  mutating func rest() {
    accept()
    read(1, 0)
    end(.cutOff(0))
  }

  /// A half-cycle to its cut-off, and the rest behind it.
  mutating func half(_ amperes: Double, seconds: Double) {
    drive(amperes, seconds: seconds)
    end(.cutOff(0))
    rest()
  }

  /// 20 s of sodiation, and a desodiation of another length, with their rests.
  mutating func cycle(desodiation seconds: Double) {
    half(-360e-6, seconds: 20)
    half(360e-6, seconds: seconds)
  }
}
