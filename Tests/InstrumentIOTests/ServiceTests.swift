// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Glibc
import InstrumentIO
import Quantities
import Testing

@Suite("Service manager and state lock") struct ServiceTests {
  /// A datagram socket like the service manager's.
  private func listen(_ address: String) throws -> CInt {
    let descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0)
    try #require(descriptor >= 0)
    var target = sockaddr_un()
    target.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &target.sun_path) { place in
      place.copyBytes(from: Array(address.utf8))
      if address.hasPrefix("@") { place[0] = 0 }
    }
    let length = socklen_t(2 + address.utf8.count)
    let bound = withUnsafeBytes(of: &target) {
      bind(descriptor, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), length)
    }
    try #require(bound == 0, "errno \(errno)")
    return descriptor
  }

  private func hear(_ descriptor: CInt) -> String {
    var buffer = [UInt8](repeating: 0, count: 512)
    let count = recv(descriptor, &buffer, buffer.count, CInt(MSG_DONTWAIT))
    return count < 0 ? "errno \(errno)" : String(decoding: buffer.prefix(count), as: UTF8.self)
  }

  @Test("messages arrive on file and abstract sockets") func notify() throws {
    let folder = try TestFolder()
    for address in ["\(folder.path)/notify", "@nacycler-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"] {
      let manager = try listen(address)
      defer { close(manager) }
      let notifier = ServiceNotifier(socketPath: address)
      #expect(notifier.send(.ready, .status("64 channels\nREADY=0")))
      #expect(hear(manager) == "READY=1\nSTATUS=64 channels READY=0")
      #expect(notifier.send(.watchdog))
      #expect(hear(manager) == "WATCHDOG=1")
      #expect(notifier.send(.stopping))
      #expect(hear(manager) == "STOPPING=1")
    }
  }

  @Test("without a manager, or with one that is gone, nothing is sent and nothing breaks") func silence() throws {
    let folder = try TestFolder()
    #expect(!ServiceNotifier(socketPath: nil).send(.ready))
    #expect(!ServiceNotifier(socketPath: "").send(.ready))
    #expect(!ServiceNotifier(socketPath: "\(folder.path)/nobody").send(.ready))
    #expect(!ServiceNotifier(socketPath: "/" + String(repeating: "x", count: 200)).send(.ready))
  }

  @Test("a second lock is refused with the holder's number and exit status 75") func lock() throws {
    let folder = try TestFolder()
    var lock: StateLock? = try StateLock(stateDirectory: folder.path)
    let refusal = #expect(throws: StateLockRefusal.self) { try StateLock(stateDirectory: folder.path) }
    #expect(refusal == .held(path: "\(folder.path)/nacyclerd.lock", process: getpid()))
    #expect(refusal?.exitStatus == 75)
    #expect(refusal?.message.contains("\(getpid())") == true)
    // A daemon that starts on a machine where another one died finds its number in the file, but no lock.
    lock = nil
    #expect(lock == nil)
    lock = try StateLock(stateDirectory: folder.path)
    #expect(lock?.path == "\(folder.path)/nacyclerd.lock")
  }

  @Test("another program's lock counts, and ends with it however it ends") func lockElsewhere() throws {
    let folder = try TestFolder()
    let file = "\(folder.path)/nacyclerd.lock"
    let holder = try Program("/usr/bin/flock", [file, "/bin/sh", "-c", "echo 4711 > \(file); echo locked; exec cat"])
    #expect(holder.firstLine() == "locked")
    let refusal = #expect(throws: StateLockRefusal.self) { try StateLock(stateDirectory: folder.path) }
    #expect(refusal == .held(path: file, process: 4_711))
    holder.end()
    _ = try StateLock(stateDirectory: folder.path)
  }

  @Test("a missing folder and a link in the lock's place are refused with another status") func unusable() throws {
    let folder = try TestFolder()
    let missing = #expect(throws: StateLockRefusal.self) { try StateLock(stateDirectory: "\(folder.path)/none") }
    #expect(missing?.exitStatus == 73)
    #expect(missing?.message.contains("No such file") == true)
    #expect(symlink("/etc/passwd", "\(folder.path)/nacyclerd.lock") == 0)
    let linked = #expect(throws: StateLockRefusal.self) { try StateLock(stateDirectory: folder.path) }
    #expect(linked?.exitStatus == 73)
  }
}
