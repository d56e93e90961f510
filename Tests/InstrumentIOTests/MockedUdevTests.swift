// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Discovery through the real libudev on a machine without USB: umockdev plays the bus.

import CyclerModel
import Glibc
import InstrumentIO
import InstrumentKit
import Quantities
import Synchronization
import Testing

@Suite("Discovery on a mocked bus") struct MockedUdevTests {
  @Test(
    "plugged instruments are found, described, and seen to come and go",
    .enabled(
      if: MockedWorld.wrapper != nil && !MockedWorld.isInner, "no umockdev-wrapper on this machine (package umockdev)"),
    .timeLimit(.minutes(15)))
  func outer() throws { try MockedWorld.run("MockedUdevTests", endingWith: "mocked bus: all seen") }

  @Test("inside the mocked world", .enabled(if: MockedWorld.isInner, "runs inside the test above")) func inner() throws
  {
    let bus = try MockedBus()
    try bus.plug(line: "ttyACM0", socket: "1-1", product: "EmStat4", serial: "ES4HR24B0012")
    try bus.plug(line: "ttyACM1", socket: "1-2", product: "EmStat4 Bootloader", serial: "ES4HR24B0013")
    try bus.addMainboardLine()

    let news = try Mailbox<PortDiscovery.News>()
    let discovery = try PortDiscovery(patterns: [], watchesUSB: true) { news.put($0) }
    #expect(news.first { $0 == .settled } != nil)
    let first = PortCandidate(
      path: "/dev/ttyACM0", origin: .plugged, vendorID: "0403", productID: "6015", product: "EmStat4",
      manufacturer: "PalmSens", serial: "ES4HR24B0012", portPath: "1-1:1.0")
    let bootloader = PortCandidate(
      path: "/dev/ttyACM1", origin: .plugged, vendorID: "0403", productID: "6015", product: "EmStat4 Bootloader",
      manufacturer: "PalmSens", serial: "ES4HR24B0013", portPath: "1-2:1.0")
    #expect(news.all == [.changed(.appeared(first)), .changed(.appeared(bootloader)), .settled])
    let family = MatchRule(productPrefix: "EmStat4")
    #expect(family.fits(first))
    #expect(!family.fits(bootloader))

    try bus.plug(line: "ttyACM2", socket: "1-3", product: "Nexus", serial: "NX1")
    bus.announce("ttyACM2", socket: "1-3", action: "add")
    let third = try #require(news.first { Self.appearance($0)?.product == "Nexus" })
    #expect(Self.appearance(third)?.portPath == "1-3:1.0")

    bus.announce("ttyACM0", socket: "1-1", action: "remove")
    #expect(news.first { $0 == .changed(.vanished(first)) } != nil)

    // A hub with many instruments comes back. umockdev's own queue is short and it ends the process when it is full,
    // so each piece of news waits for the one before.
    for index in 10..<74 {
      try bus.plug(line: "ttyACM\(index)", socket: "2-\(index)", product: "EmStat4", serial: "S\(index)")
      bus.announce("ttyACM\(index)", socket: "2-\(index)", action: "add")
      #expect(news.first { Self.appearance($0)?.serial == "S\(index)" } != nil)
    }

    // The line that umockdev plays is opened like any other, though it knows no exclusive use and no modem lines.
    _ = try SerialPort(path: "/dev/ttyACM0", baudRate: 921_600)
    try packets(on: bus, news)
    discovery.stop()
    print("mocked bus: all seen")
  }

  /// An instrument that is a USB device itself: found by its numbers, driven packet by packet, and missed when it is pulled.
  private func packets(on bus: MockedBus, _ news: Mailbox<PortDiscovery.News>) throws {
    let node = "/dev/bus/usb/001/006"
    try bus.plugDevice(node: "bus/usb/001/006", socket: "1-4", vendorID: "a0a0", productID: "0002")
    let device = try MockedUSBDevice(node: node, bed: bus.bed) { packet in
      packet == Array("mute".utf8) ? nil : Array("got ".utf8) + packet
    }
    bus.announceDevice(socket: "1-4", action: "add")
    let seen = try #require(news.first { Self.appearance($0)?.vendorID == "a0a0" })
    let candidate = try #require(Self.appearance(seen))
    #expect(candidate.path == node && candidate.isWholeDevice && candidate.portPath == "1-4")
    #expect(MatchRule(vendorID: "a0a0", productID: "0002", isWholeDevice: true).fits(candidate))
    #expect(!MatchRule(vendorID: "a0a0", productID: "0002").fits(candidate), "no line is made of it")

    let family = InstrumentDescriptor(
      family: "packets", baudRate: 9_600, bulk: BulkPipes(interface: 0, outEndpoint: 0x01, inEndpoint: 0x81),
      matches: [], maturity: .emulatedOnly)
    let port = try InstrumentPorts.open(node, for: family, parity: .none)
    #expect(device.claims.load(ordering: .relaxed) == 1)
    let wake = try WakeUp()
    for packet in ["CELL OFF", "ADCREAD"] {
      #expect(Array(packet.utf8).withUnsafeBytes { port.write($0) } == .written(packet.utf8.count))
      #expect(try port.receivePacket(wake) == Array("got \(packet)".utf8))
    }
    // Commands that are not taken stay commands, in their order.
    device.takesNothing.store(true, ordering: .sequentiallyConsistent)
    for packet in ["ADCREAD", "CELL OFF", "CELL OFF"] {
      #expect(Array(packet.utf8).withUnsafeBytes { port.write($0) } == .written(packet.utf8.count))
    }
    var unread = [UInt8](repeating: 0, count: 64)
    #expect(unread.withUnsafeMutableBytes { port.read(into: $0) } == .wouldBlock)
    device.takesNothing.store(false, ordering: .sequentiallyConsistent)
    for packet in ["ADCREAD", "CELL OFF", "CELL OFF"] {
      #expect(try port.receivePacket(wake) == Array("got \(packet)".utf8))
    }
    // Nothing is owed: nothing is readable, and nobody waits.
    #expect(PortPoll.wait(port: port, wake: wake, timeout: .zero).isEmpty)
    #expect(Array("mute".utf8).withUnsafeBytes { port.write($0) } == .written(4))
    var nothing = [UInt8](repeating: 0, count: 64)
    #expect(nothing.withUnsafeMutableBytes { port.read(into: $0) } == .wouldBlock)
    device.pull()
    #expect(nothing.withUnsafeMutableBytes { port.read(into: $0) } == .hangUp)
    #expect(Array("CELL OFF".utf8).withUnsafeBytes { port.write($0) } == .hangUp)
    port.close()
    #expect(port.descriptor == -1 && nothing.withUnsafeMutableBytes { port.read(into: $0) } == .hangUp)

    // One that takes nothing at all is given up before anything grows.
    try bus.plugDevice(node: "bus/usb/001/007", socket: "1-5", vendorID: "a0a0", productID: "0002")
    let deaf = try MockedUSBDevice(node: "/dev/bus/usb/001/007", bed: bus.bed) { _ in nil }
    deaf.takesNothing.store(true, ordering: .sequentiallyConsistent)
    let unheard = try InstrumentPorts.open("/dev/bus/usb/001/007", for: family, parity: .none)
    let outcomes = (0..<17).map { _ in Array("CELL OFF".utf8).withUnsafeBytes { unheard.write($0) } }
    #expect(outcomes == Array(repeating: .written(8), count: 16) + [.hangUp])

    let line = InstrumentDescriptor(family: "lines", baudRate: 9_600, matches: [], maturity: .emulatedOnly)
    let fault = #expect(throws: Fault.self) { _ = try InstrumentPorts.open(node, for: line, parity: .none) }
    #expect(fault?.code == .portUnusable && fault?.detail.contains("USB device") == true)
  }

  private static func appearance(_ news: PortDiscovery.News) -> PortCandidate? {
    if case .changed(.appeared(let candidate)) = news { candidate } else { nil }
  }
}
