// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingRun
import InstrumentKit
import Testing

extension PilotBench {
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

  /// A checkpoint as an earlier format had it, without what later ones put behind it: there is one length at which the
  /// earlier format is read to its end.
  static func checkpoint(_ bytes: [UInt8], asFormat format: UInt8, of program: Program) throws -> [UInt8] {
    let older = (1...bytes.count).lazy.map { length in [format] + bytes[1..<length] }.first { bytes in
      let pilot = try? RunPilot(
        identity: identity, program: program, settings: RunSettings(), checkpoint: bytes,
        since: UnixInstant(microseconds: 0))
      return pilot != nil
    }
    return try #require(older)
  }
}
