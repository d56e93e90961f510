// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Glibc
import InstrumentKit
import Quantities
import Testing

@testable import InstrumentIO

@Suite("An instrument on the network") struct SocketPortTests {
  @Test(
    "its name is a numeric address and a port",
    arguments: [
      ("tcp://192.168.1.20:5025", "192.168.1.20", 5_025), ("tcp://[fe80::1]:1", "fe80::1", 1),
      ("tcp://127.0.0.1:65535", "127.0.0.1", 65_535),
    ] as [(String, String, UInt16)])
  func names(_ text: String, _ host: String, _ port: UInt16) {
    let address = SocketAddress(text)
    #expect(address?.host == host && address?.port == port && SocketAddress.problem(with: text) == nil)
  }

  @Test(
    "anything else is refused with what would be right",
    arguments: [
      "tcp://", "tcp://192.168.1.20", "tcp://192.168.1.20:", "tcp://192.168.1.20:0", "tcp://192.168.1.20:65536",
      "tcp://keithley.local:5025", "tcp://fe80::1:5025", "tcp://[192.168.1.20]:5025", "tcp://:5025",
      "tcp://192.168.1.20:5025/x", "tcp://300.1.1.1:5025",
    ])
  func refusedNames(_ text: String) {
    #expect(SocketAddress(text) == nil)
    #expect(SocketAddress.problem(with: text)?.contains("tcp://192.168.1.20:5025") == true)
    let fault = #expect(throws: Fault.self) { try SocketPort(path: text) }
    #expect(fault?.code == .portUnusable)
  }

  @Test("a path is no address") func paths() { #expect(SocketAddress.problem(with: "/dev/ttyUSB0") == nil) }

  @Test("bytes pass both ways, and the end of the other side is seen") func talk() throws {
    let listener = try Listener()
    let port = try SocketPort(path: listener.address)
    let wake = try WakeUp()
    let instrument = try listener.accept()
    var buffer = [UInt8](repeating: 0, count: 64)
    #expect(buffer.withUnsafeMutableBytes { port.read(into: $0) } == .wouldBlock)
    #expect(Array("*IDN?\n".utf8).withUnsafeBytes { port.write($0) } == .written(6))
    var heard = [UInt8](repeating: 0, count: 64)
    #expect(recv(instrument, &heard, heard.count, 0) == 6 && heard.starts(with: Array("*IDN?\n".utf8)))
    #expect(send(instrument, "KEITHLEY\n", 9, 0) == 9)
    #expect(try port.receivePacket(wake) == Array("KEITHLEY\n".utf8))
    close(instrument)
    #expect(PortPoll.wait(port: port, wake: wake, timeout: TimeSpan(seconds: 10)).contains(.readable))
    #expect(buffer.withUnsafeMutableBytes { port.read(into: $0) } == .hangUp)
    port.close()
    port.close()
    #expect(buffer.withUnsafeMutableBytes { port.read(into: $0) } == .hangUp)
    #expect([1, 2].withUnsafeBytes { port.write($0) } == .hangUp)
  }

  @Test("an instrument that does not read blocks nobody") func stalled() throws {
    let listener = try Listener()
    let port = try SocketPort(path: listener.address)
    let instrument = try listener.accept()
    defer { close(instrument) }
    let block = [UInt8](repeating: 0, count: 1 << 20)
    var results: [PortWrite] = []
    for _ in 0..<64 {
      results.append(block.withUnsafeBytes { port.write($0) })
      if results.last == .written(0) { break }
    }
    #expect(results.last == .written(0), "64 MiB were taken by somebody who does not read")
  }

  @Test("where nobody listens, the reason is told") func nobody() throws {
    let listener = try Listener()
    let address = listener.address
    listener.end()
    let fault = #expect(throws: Fault.self) { try SocketPort(path: address) }
    #expect(
      fault?.code == .portUnusable && fault?.detail.contains("Connection refused") == true,
      "\(String(describing: fault))")
  }

  @Test("a thousand connections leave no descriptor behind") func descriptors() throws {
    let listener = try Listener()
    let before = try SocketPort(path: listener.address)
    close(try listener.accept())
    for _ in 0..<1_000 {
      _ = try SocketPort(path: listener.address)
      close(try listener.accept())
    }
    let after = try SocketPort(path: listener.address)
    close(try listener.accept())
    // Other tests open theirs meanwhile; a thousand left behind would be seen all the same.
    #expect(after.descriptor < before.descriptor + 500)
  }

  @Test("an address that is named is a port of its own, whatever is plugged in") func named() {
    var ports = NamedPorts(patterns: ["keithley_scpi:tcp://127.0.0.1:5025", "/nowhere/*"])
    var census = PortCensus()
    let expected = PortCandidate(path: "tcp://127.0.0.1:5025", origin: .named, family: "keithley_scpi")
    #expect(census.update(named: ports.evaluate(), plugged: []) == [.appeared(expected)])
    #expect(census.update(named: ports.evaluate(), plugged: []).isEmpty)
  }
}

/// The other end: a socket on this machine, at whichever port is free.
private final class Listener {
  private var socket: CInt
  private(set) var address = ""

  init() throws {
    socket = Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    try #require(socket >= 0)
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let named = withUnsafeMutablePointer(to: &place) { place in
      place.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, length) == 0 && listen(socket, 8) == 0 && getsockname(socket, $0, &length) == 0
      }
    }
    try #require(named, "errno \(errno)")
    address = "tcp://127.0.0.1:\(UInt16(bigEndian: place.sin_port))"
  }

  deinit { end() }

  func end() {
    if socket >= 0 { close(socket) }
    socket = -1
  }

  func accept() throws -> CInt {
    let accepted = Glibc.accept(socket, nil, nil)
    try #require(accepted >= 0, "errno \(errno)")
    return accepted
  }
}
