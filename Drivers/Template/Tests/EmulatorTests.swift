// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The instrument as any client finds it, by bytes alone. When copying: what your instrument's documents say that our driver never
// asks, and what it does with lines that nobody should send.

import TemplateEmulator
import Testing
import VirtualLab

@Suite struct EmulatorTests {
  private static func answers(_ instrument: inout TemplateInstrument, to text: String, seconds: Double = 0.2) -> String
  {
    Array(text.utf8).withUnsafeBytes { instrument.receive($0) }
    var output: [UInt8] = []
    let end = instrument.time + seconds
    while instrument.time < end, instrument.run(until: end, output: &output, outputLimit: 10_000) != .idle {}
    return String(decoding: output, as: UTF8.self)
  }

  private static func fresh() -> TemplateInstrument { TemplateInstrument(serial: "7", cell: SmallCell(volts: 3)) }

  @Test func itAnswersWhatTheReadmeSays() {
    var instrument = Self.fresh()
    #expect(Self.answers(&instrument, to: "07 MEASURE?*212F\n").hasPrefix("07 M 3000000 0 0*"))
    // Without a lease nothing is switched on, and a word that it does not know changes nothing.
    #expect(Self.answers(&instrument, to: "11 ON*DFD0\n").hasPrefix("11 ERR 3*"))
    #expect(Self.answers(&instrument, to: "12 ON 1*2010\n").hasPrefix("12 ERR 1*"))
    #expect(Self.answers(&instrument, to: "13 RANGE 3*33F7\n").hasPrefix("13 ERR 2*"))
    #expect(Self.answers(&instrument, to: "14 CURRENT -9223372036854775808*6B06\n").hasPrefix("14 ERR 2*"))
    #expect(Self.answers(&instrument, to: "15 LEASE 10*F882\n15 ON*1521\n").split(separator: "\n").count == 2)
    #expect(instrument.isOn)
    #expect(Self.answers(&instrument, to: "16 RANGE 2*541A\n").hasPrefix("16 ERR 3*"))
  }

  @Test func theLeaseEndsByItself() {
    var instrument = Self.fresh()
    _ = Self.answers(&instrument, to: "15 LEASE 10*F882\n15 ON*1521\n")
    #expect(instrument.hostDeadline.map { (0.99...1.01).contains($0) } == true)
    _ = Self.answers(&instrument, to: "", seconds: 1)
    #expect(!instrument.isOn && instrument.hostDeadline == nil)
    instrument.rest(until: 2)
    // Output off, and the lease has done it.
    #expect(Self.answers(&instrument, to: "07 MEASURE?*212F\n").hasPrefix("07 M 3000000 0 8*"))
  }

  @Test func whatIsDamagedIsNotAnswered() {
    var instrument = Self.fresh()
    for line in [
      "\n", "*\n", "07 MEASURE?*212E\n", "07 MEASURE?\n", "MEASURE?*212F\n", String(repeating: "7", count: 9_999),
    ] {
      #expect(Self.answers(&instrument, to: line).isEmpty, "\(line.prefix(20))")
    }
    // The end of the long one, and all is well again.
    #expect(Self.answers(&instrument, to: "\n07 MEASURE?*212F\n").hasPrefix("07 M "))
  }
}
