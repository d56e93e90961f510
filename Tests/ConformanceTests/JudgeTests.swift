// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The matrix must be able to fail: drivers that are wrong on purpose are found.

import BatlabDriver
import BatlabEmulator
import CyclerModel
import DriverTrials
import InstrumentKit
import Quantities
import Testing

/// A way to be wrong.
protocol Mistake: Sendable {
  /// Changes what the driver says and writes, or does not let it hear.
  static func spoil(_ outputs: inout DriverOutputs)
  static func hears(_ input: DriverInput) -> Bool
}
extension Mistake {
  static func spoil(_ outputs: inout DriverOutputs) {}
  static func hears(_ input: DriverInput) -> Bool { true }
}

/// A sound driver with a mistake.
struct Mistaken<Way: Mistake>: InstrumentDriver {
  private var driver = BatlabDriver()
  init() {}
  static var descriptor: InstrumentDescriptor { BatlabDriver.descriptor }
  static var safeStopBytes: [UInt8] { BatlabDriver.safeStopBytes }
  var damagedMessages: Int { driver.damagedMessages }
  static func capabilities(ofModel name: String) -> InstrumentCapabilities? { BatlabDriver.capabilities(ofModel: name) }
  mutating func handle(_ input: DriverInput, at now: HostInstant, into outputs: inout DriverOutputs) {
    guard Way.hears(input) else { return }
    var own = DriverOutputs()
    driver.handle(input, at: now, into: &own)
    Way.spoil(&own)
    outputs.writes += own.writes
    outputs.events += own.events
    outputs.wakeAt = own.wakeAt
  }
}

/// Its readings are 5 mV off.
enum Offset: Mistake {
  static func spoil(_ outputs: inout DriverOutputs) {
    for index in outputs.events.indices {
      guard case .reading(let channel, var reading) = outputs.events[index], let voltage = reading.voltage else {
        continue
      }
      reading.voltage = voltage + Voltage(millivolts: 5)
      outputs.events[index] = .reading(channel: channel, reading)
    }
  }
}

/// It says that the circuit is open as soon as it is closed.
enum Hasty: Mistake {
  static func spoil(_ outputs: inout DriverOutputs) {
    for case .reading(let channel, let reading) in outputs.events where reading.current != .zero {
      outputs.events.append(.circuit(channel: channel, .openConfirmed))
    }
  }
}

/// It does not hear that it is to open the circuit.
enum Stubborn: Mistake {
  static func hears(_ input: DriverInput) -> Bool {
    if case .command(_, .openCircuit) = input { false } else { true }
  }
}

/// It ticks in pieces: what comes in two pieces is lost.
enum Whole: Mistake {
  static func hears(_ input: DriverInput) -> Bool {
    if case .bytes(let bytes) = input { bytes.count >= 5 } else { true }
  }
}

@Suite struct JudgeTests {
  private static func matrix(of driver: any InstrumentDriver.Type) throws -> ConformanceMatrix {
    var family = try #require(families.first { $0.name == "batlab" })
    family.driver = driver
    return ConformanceMatrix(family, seed: 1)
  }

  private static func isFailure(_ verdict: ConformanceMatrix.Verdict) -> Bool {
    if case .failed = verdict { true } else { false }
  }

  @Test func theSoundOneIsSound() throws {
    #expect(try Self.matrix(of: BatlabDriver.self).objections.isEmpty)
  }

  @Test func readingsThatWereNotMeasuredAreFound() throws {
    #expect(try Self.matrix(of: Mistaken<Offset>.self).objections.first?.contains("a reading of") == true)
  }

  @Test func anOpenCircuitThatIsNotIsFound() throws {
    #expect(try Self.matrix(of: Mistaken<Hasty>.self).objections.first?.contains("it says open while") == true)
  }

  @Test func whoDoesNotStopIsFound() throws {
    var matrix = try Self.matrix(of: Mistaken<Stubborn>.self)
    #expect(matrix.objections.isEmpty)
    #expect(Self.isFailure(matrix.judge(.frozenClosed)))
  }

  @Test func whoLosesHalvesIsFound() throws {
    var matrix = try Self.matrix(of: Mistaken<Whole>.self)
    #expect(matrix.objections.isEmpty)
    #expect(Self.isFailure(matrix.judge(.split)))
  }
}
