// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentKit
import KeithleyTSPEmulator
import Quantities
import Testing

@testable import KeithleyTSPDriver

/// Whole dialogues, word by word, with cells whose numbers can be computed by hand.
@Suite struct GoldenTests {
  private func laboratory() -> Laboratory {
    var laboratory = Laboratory((PlainCell(), PlainCell()))
    for channel in 0...1 {
      laboratory.instrument.meters[channel].sourceGainError = 0
      laboratory.instrument.meters[channel].sourceOffsetError = 0
    }
    laboratory.open()
    laboratory.pass(20) { $0.identity != nil }
    return laboratory
  }

  private func expect(_ dialogue: [String], is golden: String) {
    #expect(dialogue.map(Self.withoutMilliseconds).joined(separator: "\n") == golden)
  }

  /// Times to tenths of a second: what is behind is how long the emulated instrument takes for its instructions.
  private static func withoutMilliseconds(_ line: String) -> String {
    line.replacing(/(< [CHOR]\d \d{3} \d{9}\.\d)\d{5}/) { "\($0.1)…" }
  }

  @Test func opening() {
    expect(
      laboratory().dialogue,
      is: #"""
        > endscript
        > abort
        > smua.source.offmode=smua.OUTPUT_HIGH_Z smua.source.output=smua.OUTPUT_OFF smub.source.offmode=smub.OUTPUT_HIGH_Z smub.source.output=smub.OUTPUT_OFF
        > errorqueue.clear()
        > print(string.format("S 100 %d %d %d %d %d %d",smua.source.output,smua.source.offmode-smua.OUTPUT_HIGH_Z,smub.source.output,smub.source.offmode-smub.OUTPUT_HIGH_Z,nc_version or 0,errorqueue.count))
        < S 100 0 0 0 0 0 0
        > *IDN?
        < Keithley Instruments Inc., Model 2602B, 1234567, 3.4.1
        > *IDN?
        < Keithley Instruments Inc., Model 2602B, 1234567, 3.4.1
        > (the program)
        > print(string.format("S 103 %d %d %d %d %d %d",smua.source.output,smua.source.offmode-smua.OUTPUT_HIGH_Z,smub.source.output,smub.source.offmode-smub.OUTPUT_HIGH_Z,nc_version or 0,errorqueue.count))
        < S 103 0 0 0 0 1 0
        """#)
  }

  @Test func twoChannels() {
    var laboratory = laboratory()
    laboratory.dialogue = []
    laboratory.command(
      .begin(Laboratory.setpoint(.constantCurrent(Laboratory.microamperes(-300)), until: [Laboratory.time(2)])))
    laboratory.pass(2) { $0.hasBegun(0) }
    laboratory.command(.begin(Laboratory.setpoint(.openCircuit, until: [])), channel: 1)
    laboratory.pass(3) { $0.end(0) != nil }
    laboratory.command(.openCircuit, channel: 1)
    laboratory.pass(1) { $0.end(1) != nil }
    expect(
      laboratory.dialogue,
      is: """
        > abort
        > nc_begin{c=1,q=104,m=1,x=-300000000e-12,l=2900000000e-9,d=-1,o=0,r=1000000000e-12,u=2900000000e-9,w=-50000000e-9,b=800000000e-12,t=40000000000e-6,i=1000000e-6,s=100000e-6,z=100000e-6,e=60000000e-6,k={{3,2,2000000e-6,0}}}
        < C1 104 000000000.0…
        > abort
        > nc_begin{c=2,q=105,m=0,t=40000000000e-6,i=1000000e-6,s=100000e-6,z=100000e-6,e=60000000e-6,k={}}
        < C2 105 000000000.0…
        < R1 104 000000000.1… +2.700000000e+00 -3.000000000e-04 0
        < R2 105 000000000.0… +3.000000000e+00 +0.000000000e+00 0
        < R1 104 000000001.0… +2.700000000e+00 -3.000000000e-04 0
        > *TRG
        < T
        < R2 105 000000001.2… +3.000000000e+00 +0.000000000e+00 0
        > *TRG
        < R1 104 000000002.1… +2.700000000e+00 -3.000000000e-04 0
        < O1 104 000000002.1… 101 0 0
        > abort
        > nc_stop(2,106)
        < R2 105 000000002.0… +3.000000000e+00 +0.000000000e+00 0
        < T
        < O2 106 000000002.1… 000 0 0
        """)
    #expect(laboratory.end(0) == .cutOff(0) && laboratory.end(1) == .requested)
  }

  @Test func holdsByItsLimitThenBySource() {
    var laboratory = laboratory()
    // 0.2 V above the open circuit, and nearer.
    for (target, golden) in [(Int64(3_250), Self.byLimit), (3_150, Self.bySource)] {
      laboratory.dialogue = []
      laboratory.events = []
      var setpoint = Laboratory.setpoint(
        .constantCurrentThenVoltage(Laboratory.microamperes(300), Voltage(millivolts: target)),
        until: [CutOff(quantity: .holdTime, comparison: .atLeast, threshold: 1_000_000, onlyInHold: true)])
      setpoint.bounds.upperVoltage = Voltage(millivolts: 4_000)
      laboratory.run(setpoint, atMost: 9)
      expect(laboratory.dialogue, is: golden)
      #expect(laboratory.end() == .cutOff(0) && laboratory.faults.isEmpty)
    }
  }

  private static let byLimit = """
    > abort
    > nc_begin{c=1,q=104,m=1,x=300000000e-12,l=4000000000e-9,d=1,g=3250000000e-9,o=1,r=1000000000e-12,u=4000000000e-9,w=-50000000e-9,b=800000000e-12,t=40000000000e-6,i=1000000e-6,s=100000e-6,z=100000e-6,e=60000000e-6,k={{4,2,1000000e-6,1}}}
    < C1 104 000000000.0…
    < R1 104 000000000.0… +3.250002000e+00 +2.500000000e-04 1
    < R1 104 000000000.1… +3.250002000e+00 +2.500000000e-04 3
    < H1 104 000000000.1…
    > *TRG
    < T
    < R1 104 000000001.2… +3.250002000e+00 +2.500000000e-04 3
    < O1 104 000000001.2… 101 0 0
    """

  private static let bySource = """
    > abort
    > nc_begin{c=1,q=105,m=1,x=300000000e-12,l=4000000000e-9,d=1,g=3150000000e-9,o=1,r=1000000000e-12,u=4000000000e-9,w=-50000000e-9,b=800000000e-12,t=40000000000e-6,i=1000000e-6,s=100000e-6,z=100000e-6,e=60000000e-6,k={{4,2,1000000e-6,1}}}
    < C1 105 000000000.0…
    < R1 105 000000000.0… +3.300000000e+00 +3.000000000e-04 0
    < R1 105 000000000.1… +3.300000000e+00 +3.000000000e-04 0
    < O1 105 000000000.1… 009 0 0
    > abort
    > nc_begin{c=1,q=106,m=2,x=3150000000e-9,l=800000000e-12,y=1,r=1000000000e-12,u=4000000000e-9,w=-50000000e-9,b=800000000e-12,t=40000000000e-6,i=1000000e-6,s=100000e-6,z=100000e-6,e=60000000e-6,k={{4,2,1000000e-6,1}}}
    < C1 106 000000000.4…
    < R1 106 000000000.5… +3.150000000e+00 +1.500000000e-04 2
    > *TRG
    < T
    < R1 106 000000001.6… +3.150000000e+00 +1.500000000e-04 2
    < O1 106 000000001.6… 101 0 0
    """
}
