// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Glibc
import InstrumentKit
import Quantities
import Testing

@testable import InstrumentIO

@Suite("Serial port over a pseudo-terminal") struct SerialPortTests {
  private let every: [UInt8] = (0...255).map { UInt8($0) }

  @Test("all 256 bytes pass unchanged in both directions") func transparency() throws {
    let line = try TestLine()
    let port = try SerialPort(path: line.path, baudRate: 921_600)
    let wake = try WakeUp()

    try line.send(every)
    #expect(try port.receive(256, wake: wake) == every)

    #expect(every.withUnsafeBytes { port.write($0) } == .written(256))
    #expect(try line.receive(256) == every)
  }

  @Test("a line that someone left in cooked mode is made raw") func cooked() throws {
    let line = try TestLine()
    let other = open(line.path, O_RDWR | O_NOCTTY)
    defer { close(other) }
    var settings = termios()
    #expect(tcgetattr(other, &settings) == 0)
    settings.c_lflag |= tcflag_t(ICANON | ECHO | ISIG)
    settings.c_iflag |= tcflag_t(ICRNL | IXON)
    settings.c_oflag |= tcflag_t(OPOST | ONLCR)
    settings.c_cc.6 = 0  // VMIN: a silent line would read as ended
    #expect(tcsetattr(other, TCSANOW, &settings) == 0)

    let port = try SerialPort(path: line.path, baudRate: 230_400)
    var buffer = [UInt8](repeating: 0, count: 16)
    #expect(buffer.withUnsafeMutableBytes { port.read(into: $0) } == .wouldBlock)
    try line.send([0x03, 0x0D, 0x13])
    #expect(try port.receive(3, wake: try WakeUp()) == [0x03, 0x0D, 0x13])
    #expect([0x0A].withUnsafeBytes { port.write($0) } != .hangUp)
  }

  @Test("a parity is asked for, with its check")
  func parity() {
    var line = termios()
    SerialPort.set(.none, of: &line)
    #expect(line.c_cflag == 0 && line.c_iflag == 0)
    SerialPort.set(.odd, of: &line)
    #expect(line.c_cflag == tcflag_t(PARENB | PARODD) && line.c_iflag == tcflag_t(INPCK | IGNPAR))
    SerialPort.set(.even, of: &line)
    #expect(line.c_cflag == tcflag_t(PARENB) && line.c_iflag == tcflag_t(INPCK | IGNPAR))
  }

  @Test("a line that takes no parity is opened again and again", arguments: LineParity.allCases)
  func parityAgain(_ parity: LineParity) throws {
    let line = try TestLine()
    for _ in 0..<3 { try SerialPort(path: line.path, baudRate: 9_600, parity: parity).close() }
  }

  @Test("what came before opening is still there to be read") func nothingIsFlushed() throws {
    let line = try TestLine()
    // The kernel keeps bytes for a line that someone holds open, as a USB adapter does for a daemon that restarts.
    let holder = open(line.path, O_RDWR | O_NOCTTY)
    defer { close(holder) }
    try line.send(Array("tail".utf8))
    let port = try SerialPort(path: line.path, baudRate: 921_600)
    #expect(try port.receive(4, wake: try WakeUp()) == Array("tail".utf8))
  }

  @Test("bytes that came before a hang-up are read or lost, then it is a hang-up for ever, never a spin")
  func hangUp() throws {
    let line = try TestLine()
    let port = try SerialPort(path: line.path, baudRate: 921_600)
    let wake = try WakeUp()
    line.hangUp()
    let ready = PortPoll.wait(port: port, wake: wake, timeout: TimeSpan(seconds: 10))
    #expect(ready.contains(.hungUp))
    #expect(ready.contains(.readable))
    var buffer = [UInt8](repeating: 0, count: 16)
    for _ in 0..<3 { #expect(buffer.withUnsafeMutableBytes { port.read(into: $0) } == .hangUp) }
    #expect(every.withUnsafeBytes { port.write($0) } == .hangUp)
    port.close()
    #expect(!port.isOpen)
    #expect(buffer.withUnsafeMutableBytes { port.read(into: $0) } == .hangUp)
    #expect(every.withUnsafeBytes { port.write($0) } == .hangUp)
  }

  @Test("a waiting thread hears a hang-up at once") func hangUpWakes() throws {
    let line = try TestLine()
    let seen = try Mailbox<Bool>()
    let path = line.path
    let opened = try Mailbox<Bool>()
    let thread = try PortThread.start(name: "hang-up test") {
      guard let port = try? SerialPort(path: path, baudRate: 921_600), let wake = try? WakeUp() else { return }
      opened.put(true)
      seen.put(PortPoll.wait(port: port, wake: wake, timeout: TimeSpan(seconds: 10)).contains(.hungUp))
    }
    #expect(opened.first { _ in true } == true)
    line.hangUp()
    #expect(seen.first { _ in true } == true)
    thread.join()
  }

  @Test("a second opener is refused as busy and told who has the line") func busy() throws {
    let line = try TestLine()
    let port = try SerialPort(path: line.path, baudRate: 921_600)
    let fault = #expect(throws: Fault.self) { try SerialPort(path: line.path, baudRate: 921_600) }
    #expect(fault?.code == .linkBusy)
    #expect(fault?.detail.contains("this very process") == true, "\(fault?.detail ?? "")")

    port.close()
    _ = try SerialPort(path: line.path, baudRate: 921_600)
  }

  @Test("a program outside that holds the lock is named by number") func busyElsewhere() throws {
    let line = try TestLine()
    let ready = try TestFolder()
    // flock(1) keeps the lock while `cat` waits for its standard input, a pipe that the test closes at the end.
    let holder = try Program("/usr/bin/flock", [line.path, "/bin/sh", "-c", "echo locked; exec cat"])
    #expect(holder.firstLine() == "locked")
    let fault = #expect(throws: Fault.self) { try SerialPort(path: line.path, baudRate: 921_600) }
    #expect(fault?.code == .linkBusy)
    #expect(fault?.detail.contains("process \(holder.process)") == true, "\(fault?.detail ?? "")")
    holder.end()
    _ = ready
  }

  @Test("writes to an instrument that does not read are bounded, and close does not wait for it") func stuckReader()
    throws
  {
    let line = try TestLine()
    let port = try SerialPort(path: line.path, baudRate: 921_600)
    let chunk = [UInt8](repeating: 0x55, count: 4_096)
    let wake = try WakeUp()
    let patience = TimeSpan(milliseconds: 200)
    var taken = 0
    // A pseudo-terminal takes some tens of kilobytes; a megabyte means that a write would wait.
    while taken < 1 << 20 {
      guard case .written(let count) = chunk.withUnsafeBytes({ port.write($0) }) else {
        Issue.record("hung up")
        return
      }
      taken += count
      // The kernel moves bytes on behind our back and then takes some more; full is when it says so for a while.
      if count == 0, PortPoll.wait(port: port, wake: wake, timeout: patience, untilWritable: true) == [] { break }
    }
    #expect(taken > 0)
    #expect(taken < 1 << 20)
    _ = try line.receive(taken)
    #expect(PortPoll.wait(port: port, wake: wake, timeout: TimeSpan(seconds: 10), untilWritable: true) == .writable)

    while case .written(let count) = chunk.withUnsafeBytes({ port.write($0) }), count > 0 {}
    let began = HostClock.now()
    port.close()
    // The kernel's own patience with a stuck reader is thirty seconds.
    #expect(HostClock.now() - began < TimeSpan(seconds: 5))
  }

  @Test("an empty buffer neither blocks nor hangs up") func empty() throws {
    let line = try TestLine()
    let port = try SerialPort(path: line.path, baudRate: 921_600)
    #expect(port.read(into: UnsafeMutableRawBufferPointer(start: nil, count: 0)) == .wouldBlock)
    #expect(port.write(UnsafeRawBufferPointer(start: nil, count: 0)) == .written(0))
  }

  @Test("what is not a line, not there or has no such speed is refused with the reason") func refusals() throws {
    let folder = try TestFolder()
    let file = "\(folder.path)/file"
    close(open(file, O_CREAT | O_RDWR, 0o600))
    let line = try TestLine()
    let cases: [(path: String, baudRate: Int, words: String)] = [
      (file, 921_600, "is not a serial line"),
      ("\(folder.path)/nothing", 921_600, "plugged in"),
      (line.path, 12_345, "is not a line speed"),
      (line.path, 0, "is not a line speed"),
      (line.path, -9_600, "is not a line speed"),
    ]
    for one in cases {
      let fault = #expect(throws: Fault.self) { try SerialPort(path: one.path, baudRate: one.baudRate) }
      #expect(fault?.code == .portUnusable)
      #expect(fault?.detail.contains(one.words) == true, "\(fault?.detail ?? "")")
    }
  }

  @Test("opening and closing a thousand times leaks no descriptor") func noLeak() throws {
    let line = try TestLine()
    let before = try SerialPort(path: line.path, baudRate: 921_600)
    before.close()
    let probe = dup(line.bench)
    close(probe)
    for _ in 0..<1_000 { _ = try SerialPort(path: line.path, baudRate: 921_600) }
    for _ in 0..<1_000 { _ = try? SerialPort(path: line.path, baudRate: 12_345) }
    // Other tests open files meanwhile, so only a leak of the loop's size counts.
    let after = dup(line.bench)
    close(after)
    #expect(after - probe < 500)
  }
}
