// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingProtocol
import Quantities
import Testing

@Suite struct RefusalTests {
  @Test(arguments: MalformedProtocols.grammar)
  func grammar(_ refusal: RefusalCase) { expect(refusal) }

  @Test(arguments: MalformedProtocols.words)
  func words(_ refusal: RefusalCase) { expect(refusal) }

  @Test(arguments: JoinedConditionProtocols.malformed)
  func joinedAndLastingConditions(_ refusal: RefusalCase) { expect(refusal) }

  @Test(arguments: MalformedProtocols.later)
  func laterPartOfTheLanguage(_ refusal: RefusalCase) { expect(refusal) }

  @Test(arguments: TestProtocols.malformed)
  func testsOfPlating(_ refusal: RefusalCase) { expect(refusal) }

  @Test(arguments: MalformedProtocols.names)
  func names(_ refusal: RefusalCase) { expect(refusal) }

  /// Hazard rules 1, 8 and 20.
  @Test(arguments: DangerousProtocols.voltages)
  func voltages(_ refusal: RefusalCase) { expect(refusal) }

  /// Hazard rules 2 and 9.
  @Test(arguments: DangerousProtocols.holds)
  func holds(_ refusal: RefusalCase) { expect(refusal) }

  @Test(arguments: ProfileProtocols.malformed)
  func profiles(_ refusal: RefusalCase) { expect(refusal) }

  @Test(arguments: SweepProtocols.malformed)
  func sweeps(_ refusal: RefusalCase) { expect(refusal) }

  @Test(arguments: ImpedanceProtocols.malformed)
  func impedanceSpectra(_ refusal: RefusalCase) { expect(refusal) }

  @Test(arguments: DemandProtocols.malformed)
  func powersAndResistances(_ refusal: RefusalCase) { expect(refusal) }

  @Test(arguments: ShareProtocols.malformed)
  func sharesOfMeasuredCapacities(_ refusal: RefusalCase) { expect(refusal) }

  /// Hazard rules 9 and 10.
  @Test(arguments: DangerousProtocols.currents)
  func currents(_ refusal: RefusalCase) { expect(refusal) }

  @Test(arguments: DangerousProtocols.cycles)
  func cycles(_ refusal: RefusalCase) { expect(refusal) }

  /// Hazard rules 3 and 19.
  @Test(arguments: DangerousProtocols.surroundings)
  func surroundings(_ refusal: RefusalCase) { expect(refusal) }

  @Test func theSampleItselfIsAccepted() throws {
    #expect(SampleProtocol().compile().problems.isEmpty)
    var sample = SampleProtocol()
    sample.steps = SampleProtocol.cycles(SampleProtocol.discharge + "," + SampleProtocol.charge)
    #expect(sample.compile(instrument: .small).problems.isEmpty)
  }

  @Test func invalidBytesAreRefusedWithTheirPlace() {
    for bad: [UInt8] in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82]] {
      let bytes = Array("{\n  \"title\": \"µ".utf8) + bad + Array("\"}".utf8)
      let problems = ProtocolDecoder.decode(bytes).problems
      #expect(problems.map(\.message) == ["invalid UTF-8"])
      #expect(problems.map(\.line) == [2])
      #expect(problems.map(\.column) == [14])
    }
  }

  @Test func everythingWrongIsSaidAtOnce() {
    let text = """
      {
        "nacycler_protocol": 1,
        "title": "x",
        "cell": {"role": "anode-half-cell", "expect_open_circuit": {"from": "1.2 V", "to": "3.3 V"}},
        "limits": {"voltage": {"min": "-50 mV", "max": "2.3 V"}},
        "record": {"evry": "60 s"},
        "steps": [
          {"rest": 600},
          {"discharge": "-1 mA", "until": ["voltage <= 10", "step_time >= 1 h"]}
        ]
      }
      """
    let found = ProtocolDecoder.decode(Array(text.utf8)).problems
    let places = found.map { "\($0.line) \($0.path)" }
    #expect(
      places == [
        "1 on_interruption", "5 limits.charge_current", "5 limits.discharge_current", "5 limits.half_cycle_charge",
        "5 limits.voltage.for", "6 record.every", "6 record.evry", "8 steps[0].rest", "9 steps[1].discharge",
        "9 steps[1].until[0]",
      ])
  }

  /// The problem is found, at its place, and nothing else is claimed.
  private func expect(_ refusal: RefusalCase) {
    let decoded = ProtocolDecoder.decode(Array(refusal.text.utf8))
    let found = decoded.flatMap { $0.compile(cell: refusal.cell, instrument: refusal.instrument) }.problems
    let matching = found.filter {
      $0.path == refusal.path && $0.message.contains(refusal.message) && $0.hint.contains(refusal.hint)
    }
    #expect(!matching.isEmpty, "\(found)")
    #expect(found.allSatisfy { !$0.hint.isEmpty && $0.line > 0 && $0.column > 0 })
    #expect(found.count <= 2, "one mistake should not be told many times: \(found)")
  }
}
