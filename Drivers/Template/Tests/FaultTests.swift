// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What goes wrong, and what is said of it. The matrix (Tests/ConformanceTests) tries every fault from every state; here is what is
// this family's own. When copying: your instrument's lease, its error words, and its ways not to stop.

import CyclerModel
import InstrumentKit
import Quantities
import TemplateEmulator
import Testing
import VirtualLab

@testable import TemplateDriver

@Suite struct FaultTests {
  private static func driven() -> Laboratory {
    var laboratory = Laboratory.identified()
    laboratory.command(.begin(setpoint(.constantCurrent(milliamperes(1)))))
    laboratory.run(seconds: 3)
    return laboratory
  }

  @Test func theLeaseIsRenewedAndEndsWithoutTheHost() {
    var laboratory = Self.driven()
    laboratory.run(seconds: 30)
    #expect(laboratory.instrument.isOn)
    #expect(laboratory.words.filter { $0 == "LEASE 100" }.count >= 10)
    laboratory.lose()
    laboratory.isCut = true
    laboratory.run(seconds: 7)
    #expect(laboratory.instrument.isOn)
    laboratory.run(seconds: 4)
    #expect(!laboratory.instrument.isOn && laboratory.circuit == .unknown)
  }

  @Test func whatNobodySeesIsNotRenewed() {
    var laboratory = Self.driven()
    let before = laboratory.words.filter { $0 == "LEASE 100" }.count
    laboratory.misbehave(.notANumber)
    laboratory.run(seconds: 12)
    // Its lease has ended; and what nobody sees proves nothing.
    #expect(!laboratory.instrument.isOn && laboratory.end == nil && laboratory.circuit == .unknown)
    #expect(laboratory.words.filter { $0 == "LEASE 100" }.count == before)
    #expect(laboratory.readings.last?.voltage == nil && laboratory.readings.last?.current == nil)
    laboratory.misbehave(nil)
    laboratory.run(seconds: 2)
    #expect(laboratory.end == .leaseExpired && laboratory.hasLostMark && laboratory.circuit == .openConfirmed)
  }

  @Test func clippedValuesAreNone() throws {
    var laboratory = Self.driven()
    laboratory.misbehave(.overload)
    laboratory.run(seconds: 0.5)
    let last = try #require(laboratory.readings.last)
    #expect(last.voltage == nil && last.current == nil && last.quality.contains(.overload))
  }

  @Test func anInstrumentThatDoesNotStopIsToldAgain() {
    var laboratory = Self.driven()
    laboratory.misbehave(.liar)
    laboratory.command(.openCircuit)
    laboratory.run(seconds: 5)
    #expect(laboratory.end == nil && laboratory.circuit == .unknown)
    #expect(laboratory.faults == [.instrumentSetpointNotFollowed])
    #expect(laboratory.words.filter { $0 == "OFF" }.count >= 5)
    laboratory.misbehave(nil)
    laboratory.run(seconds: 2)
    #expect(laboratory.end == .requested && laboratory.circuit == .openConfirmed && laboratory.hasLostMark)
  }

  @Test func aRefusalBeforeTheCircuitIsClosedIsOne() {
    var laboratory = Laboratory.identified()
    laboratory.misbehave(.refusing)
    laboratory.run(setpoint(.constantCurrent(milliamperes(1))), atMost: 10)
    #expect(laboratory.refusal?.code == .instrumentRefused && laboratory.circuit == .openConfirmed)
    #expect(laboratory.refusal?.detail.contains("`RANGE`") == true)
  }

  @Test func itsPowerIsCutUnderACurrent() {
    var laboratory = Self.driven()
    laboratory.instrument.powerCycle()
    laboratory.run(seconds: 1)
    guard case .failed(let fault)? = laboratory.end else {
      Issue.record("\(String(describing: laboratory.end))")
      return
    }
    #expect(fault.code == .instrumentSetpointNotFollowed && laboratory.hasLostMark)
  }

  @Test func whoDoesNotAnswerIsGivenUpAndToldToStopAllTheSame() {
    var laboratory = Self.driven()
    laboratory.spoil = { _ in [] }
    laboratory.run(seconds: 2)
    #expect(laboratory.faults == [.linkTimeout] && laboratory.circuit == .unknown && laboratory.end == nil)
    #expect(!laboratory.instrument.isOn)
    laboratory.spoil = nil
    laboratory.run(seconds: 1)
    guard case .failed(let fault)? = laboratory.end else {
      Issue.record("\(String(describing: laboratory.end))")
      return
    }
    #expect(fault.code == .linkTimeout && laboratory.circuit == .openConfirmed)
  }

  @Test func aClosingThatIsNotAnsweredIsNotRepeated() {
    var laboratory = Laboratory.identified()
    laboratory.command(.begin(setpoint(.constantCurrent(milliamperes(1)))))
    laboratory.run(seconds: 1) { $0.words.last == "ON" }
    laboratory.spoil = { _ in [] }
    laboratory.run(seconds: 0.35)
    laboratory.spoil = nil
    laboratory.run(seconds: 1)
    #expect(laboratory.words.filter { $0 == "ON" }.count == 1)
    guard case .failed(let fault)? = laboratory.end else {
      Issue.record("\(String(describing: laboratory.end))")
      return
    }
    #expect(fault.code == .linkTimeout && !laboratory.instrument.isOn)
  }

  @Test func theSafeStopNeedsNoDriver() {
    var laboratory = Self.driven()
    Array("42 CURR".utf8).withUnsafeBytes { laboratory.instrument.receive($0) }
    TemplateDriver.safeStopBytes.withUnsafeBytes { laboratory.instrument.receive($0) }
    var nothing: [UInt8] = []
    _ = laboratory.instrument.run(until: laboratory.instrument.time + 0.1, output: &nothing, outputLimit: 1_000)
    #expect(!laboratory.instrument.isOn)
  }

  @Test func somebodyElseIsLeftAlone() throws {
    var laboratory = Laboratory()
    laboratory.spoil = { bytes in
      let text = String(decoding: bytes, as: UTF8.self)
      return text.contains("ID ") ? Array("03 ID OTHER 1.0 7*3AF7\n".utf8) : bytes
    }
    laboratory.open()
    laboratory.run(seconds: 1)
    #expect(laboratory.faults == [.linkIdentity] && laboratory.identity == nil)
    let written = laboratory.written
    laboratory.command(.openCircuit)
    laboratory.run(seconds: 10)
    #expect(laboratory.written == written && laboratory.circuit == .unknown)
  }
}
