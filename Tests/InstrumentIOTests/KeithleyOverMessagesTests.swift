// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A driver that knows nothing of messages, at the emulated instrument, with the port and a mocked usbfs between them.

import CyclerModel
import Glibc
import InstrumentIO
import InstrumentKit
import KeithleySCPIDriver
import KeithleySCPIEmulator
import Quantities
import Synchronization
import Testing
import VirtualLab

@Suite("A SourceMeter on USB") struct KeithleyOverMessagesTests {
  @Test(
    "a 2450 is found, identified, drives a cell, is stopped in the middle of an answer, and comes back from silence",
    .enabled(
      if: MockedWorld.wrapper != nil && !MockedWorld.isInner, "no umockdev-wrapper on this machine (package umockdev)"),
    .timeLimit(.minutes(15)))
  func outer() throws { try MockedWorld.run("KeithleyOverMessagesTests", endingWith: "mocked SourceMeter: all seen") }

  @Test("inside the mocked world", .enabled(if: MockedWorld.isInner, "runs inside the test above")) func inner() throws
  {
    let host = try MeterHost()
    try host.isIdentified()
    try host.drivesUntilStopped()
    try host.comesBackFromSilence()
    print("mocked SourceMeter: all seen")
  }
}

/// The emulated instrument behind its USB: it is done with a message when the host's thread goes on, and lives in real time
/// otherwise.
private final class MeterBehindUSB: Sendable {
  private let instrument: Mutex<KeithleyInstrument>
  private let began = HostClock.now()

  init() {
    instrument = Mutex(KeithleyInstrument(.model2450, serial: "04123451", cell: SmallCell()))
  }

  var isOn: Bool { instrument.withLock { $0.terminals(channel: 0)?.isClosed == true } }
  var charge: Double { instrument.withLock { $0.cell.terminalCharge } }

  func answer(_ message: String) -> String? {
    let elapsed = Double((HostClock.now() - began).microseconds) / 1e6
    return instrument.withLock { instrument in
      instrument.rest(until: elapsed)
      Array(message.utf8).withUnsafeBytes { instrument.receive($0) }
      var output: [UInt8] = []
      while instrument.run(until: instrument.time + 1, output: &output, outputLimit: 65_536) != .idle {}
      return output.isEmpty ? nil : String(decoding: output, as: UTF8.self)
    }
  }
}

/// 3.2 V behind 2 Ω; it never ends.
private struct SmallCell: VirtualCell {
  var terminalCharge = 0.0
  var lostCharge: Double { 0 }

  func voltage(under drive: CellDrive) -> Double { 3.2 + 2 * current(under: drive) }
  func current(under drive: CellDrive) -> Double {
    switch drive {
    case .open: 0
    case .current(let amperes): amperes
    case .voltage(let volts, let limit): max(-limit, min(limit, (volts - 3.2) / 2))
    }
  }
  func impedance(atHertz hertz: Double) -> (real: Double, imaginary: Double) { (2, 0) }
  mutating func advance(seconds: Double, drive: CellDrive) { terminalCharge += current(under: drive) * seconds }
}

/// What the daemon's port thread does, as far as it matters here.
private final class MeterHost {
  private let meter = MeterBehindUSB()
  private let device: MockedMessageDevice
  private let port: any InstrumentPort
  private let wake: WakeUp
  private var driver = KeithleySCPIDriver()
  private var outputs = DriverOutputs()
  private var wakeAt: HostInstant?
  private var events: [DriverEvent] = []

  init() throws {
    let bus = try MockedBus()
    let node = "/dev/bus/usb/001/007"
    try bus.plugDevice(
      node: "bus/usb/001/007", socket: "1-1", vendorID: "05e6", productID: "2450", serial: "04123451")
    let news = try Mailbox<PortDiscovery.News>()
    let meter = meter
    device = try MockedMessageDevice(
      node: node, bed: bus.bed, descriptors: MessageFramingTests.descriptors, packetSize: 512
    ) { meter.answer($0) }
    let discovery = try PortDiscovery(patterns: [], watchesUSB: true) { news.put($0) }
    #expect(news.first { $0 == .settled } != nil)
    discovery.stop()
    let candidates = news.all.compactMap { said -> PortCandidate? in
      if case .changed(.appeared(let one)) = said { one } else { nil }
    }
    let found = try #require(candidates.first)
    #expect(candidates.count == 1 && KeithleySCPIDriver.descriptor.mayBe(at: found))
    port = try InstrumentPorts.open(found.path, for: KeithleySCPIDriver.descriptor, parity: .none)
    wake = try WakeUp()
  }

  // MARK: Turns

  private func give(_ input: DriverInput) throws {
    outputs.removeAll()
    driver.handle(input, at: HostClock.now(), into: &outputs)
    events += outputs.events
    wakeAt = outputs.wakeAt
    let result = outputs.writes.withUnsafeBytes { port.write($0) }
    #expect(result == .written(outputs.writes.count))
  }

  private func command(_ command: ChannelCommand) throws { try give(.command(channel: 0, command)) }

  /// Turns until something is there, ten seconds at most.
  private func turn(_ purpose: String, until isTrue: (DriverEvent) -> Bool) throws {
    let deadline = HostClock.now() + TimeSpan(seconds: 10)
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while !events.contains(where: isTrue) {
      let now = HostClock.now()
      try #require(now < deadline, "\(purpose): \(events), \(device.seen)")
      let due = min(deadline, wakeAt ?? deadline)
      if PortPoll.wait(port: port, wake: wake, timeout: due - now).contains(.readable),
        case .bytes(let count) = buffer.withUnsafeMutableBytes({ port.read(into: $0) })
      {
        try buffer.withUnsafeBytes { try give(.bytes(UnsafeRawBufferPointer(rebasing: $0[..<count]))) }
      }
      if let wakeAt, HostClock.now() >= wakeAt { try give(.tick) }
    }
  }

  private func isReading(_ event: DriverEvent) -> Bool { if case .reading = event { true } else { false } }

  private static func discharge(_ run: Int64) -> Setpoint {
    Setpoint(
      token: SetpointToken(run: run, stepCount: 1), mode: .constantCurrent(Current(picoamperes: -1_000_000_000)),
      cutOffs: [CutOff(quantity: .voltage, comparison: .atMost, threshold: 2_000_000_000, onlyInHold: false)],
      bounds: Bounds(
        lowerVoltage: Voltage(millivolts: 1_900), upperVoltage: Voltage(millivolts: 4_300),
        currentMagnitude: Current(picoamperes: 2_000_000_000), duration: TimeSpan(seconds: 40_000)),
      readingInterval: TimeSpan(milliseconds: 100), rangeCurrent: Current(picoamperes: 1_000_000_000),
      lease: TimeSpan(seconds: 60))
  }

  // MARK: What is seen

  func isIdentified() throws {
    try give(.opened)
    try turn("identity") { if case .identified = $0 { true } else { false } }
    let identity = events.compactMap { if case .identified(let identity) = $0 { identity } else { nil } }.first
    #expect(identity?.model == "2450" && identity?.serial == "04123451")
    #expect(events.contains(.circuit(channel: 0, .openConfirmed)) && !meter.isOn)
    #expect(driver.damagedMessages == 0 && device.seen.clears == 1 && device.seen.offences.isEmpty, "\(device.seen)")
    #expect(device.seen.takenFrom == ["usbtmc"])
  }

  func drivesUntilStopped() throws {
    events = []
    try command(.begin(Self.discharge(1)))
    var readings = 0
    while readings < 10 {
      try turn("reading", until: isReading)
      readings += events.count(where: isReading)
      let values = events.compactMap { if case .reading(_, let reading) = $0 { reading } else { nil } }
      for value in values {
        #expect(abs((value.current?.amperes ?? 0) + 0.001) < 1e-6 && abs((value.voltage?.volts ?? 0) - 3.198) < 1e-3)
      }
      events = []
    }
    #expect(meter.isOn && meter.charge < -0.0005)
    // The next question is asked, and its answer kept back.
    let asked = device.seen.messages.count
    device.behave { $0.holdsPackets = true }
    let deadline = HostClock.now() + TimeSpan(seconds: 5)
    while device.seen.messages.count == asked {
      try #require(HostClock.now() < deadline)
      let due = wakeAt ?? deadline
      _ = PortPoll.wait(port: nil, wake: wake, timeout: due - HostClock.now())
      try give(.tick)
    }
    let began = HostClock.now()
    try command(.openCircuit)
    #expect(!meter.isOn, "the stop is behind the answer")
    #expect(HostClock.now() - began < TimeSpan(milliseconds: 500))
    device.behave { $0.holdsPackets = false }
    try turn("end") { if case .ended(_, _, .requested) = $0 { true } else { false } }
    #expect(events.contains(.circuit(channel: 0, .openConfirmed)))
    #expect(device.seen.clears == 2 && device.seen.offences.isEmpty && driver.damagedMessages == 0, "\(device.seen)")
  }

  func comesBackFromSilence() throws {
    events = []
    try command(.begin(Self.discharge(2)))
    try turn("reading", until: isReading)
    device.behave { $0.holdsPackets = true }
    try turn("silence") {
      if case .fault(_, let fault) = $0 { fault.code == .linkTimeout } else { false }
    }
    // Nobody has confirmed anything, but it was told.
    #expect(!meter.isOn)
    device.behave { $0.holdsPackets = false }
    try turn("end") { if case .ended(_, _, .failed) = $0 { true } else { false } }
    events = []
    try command(.begin(Self.discharge(3)))
    try turn("reading", until: isReading)
    try command(.openCircuit)
    try turn("end") { if case .ended(_, _, .requested) = $0 { true } else { false } }
    #expect(!meter.isOn && device.seen.offences.isEmpty, "\(device.seen)")
    port.close()
    #expect(device.seen.claims == 0)
  }
}
