// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CNacycler
import CyclerModel
import Glibc
import InstrumentIO
import Quantities
import Synchronization
import Testing

@Suite("Threads, wake-ups and clocks") struct PortThreadTests {
  @Test("a signal from another thread ends a wait that has no time-out") func stop() throws {
    let line = try TestLine()
    let path = line.path
    let wake = try WakeUp()
    let said = try Mailbox<PortPoll.Readiness>()
    let thread = try PortThread.start(name: "stop test") {
      guard let port = try? SerialPort(path: path, baudRate: 921_600) else { return }
      said.put(PortPoll.wait(port: port, wake: wake, timeout: nil))
    }
    wake.signal()
    #expect(said.first { _ in true } == .woken)
    thread.join()
    thread.join()
    #expect(thread.isFinished)
  }

  @Test("signals before the wait are not lost, and many are one") func early() throws {
    let wake = try WakeUp()
    for _ in 0..<1_000 { wake.signal() }
    #expect(PortPoll.wait(port: nil, wake: wake, timeout: nil) == .woken)
    #expect(!wake.drain())
    #expect(PortPoll.wait(port: nil, wake: wake, timeout: .zero) == [])
  }

  @Test("a wait is not shorter than asked, down to microseconds") func microseconds() throws {
    let wake = try WakeUp()
    for span in [TimeSpan(microseconds: 300), TimeSpan(milliseconds: 2)] {
      let began = HostClock.now()
      #expect(PortPoll.wait(port: nil, wake: wake, timeout: span) == [])
      #expect(HostClock.now() - began >= span)
    }
    let began = HostClock.now()
    #expect(PortPoll.wait(port: nil, wake: wake, timeout: TimeSpan(microseconds: -5)) == [])
    #expect(HostClock.now() - began < TimeSpan(seconds: 5))
  }

  @Test("a thread bears its name, cut at a whole character") func name() throws {
    for (given, kept) in [
      ("port ttyACM0", "port ttyACM0"), ("a very long name of a port", "a very long nam"),
      ("fourteen bytesö", "fourteen bytes"),
    ] {
      let said = try Mailbox<String>()
      let thread = try PortThread.start(name: given) {
        var buffer = [CChar](repeating: 0, count: 16)
        _ = nacycler_thread_get_name(&buffer, 16)
        said.put(buffer.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
      }
      thread.join()
      #expect(said.all == [kept])
    }
  }

  @Test("a port thread takes no termination signals but can still crash") func signals() throws {
    let said = try Mailbox<[CInt]>()
    let thread = try PortThread.start(name: "signals") {
      var blocked = sigset_t()
      pthread_sigmask(SIG_BLOCK, nil, &blocked)
      said.put([SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGSEGV, SIGILL, SIGABRT].map { sigismember(&blocked, $0) })
    }
    thread.join()
    #expect(said.all == [[1, 1, 1, 1, 0, 0, 0]])
  }

  @Test("several may wait for a thread's end") func joiners() throws {
    let wake = try WakeUp()
    let thread = try PortThread.start(name: "joined") { _ = PortPoll.wait(port: nil, wake: wake, timeout: nil) }
    let joined = Atomic<Int>(0)
    let joiners = try (0..<4).map { index in
      try PortThread.start(name: "joiner \(index)") {
        thread.join()
        joined.add(thread.isFinished ? 1 : 0, ordering: .relaxed)
      }
    }
    #expect(!thread.isFinished)
    wake.signal()
    for joiner in joiners { joiner.join() }
    #expect(joined.load(ordering: .relaxed) == 4)
  }

  @Test("the clocks agree with the system's") func clocks() {
    var real = timespec()
    clock_gettime(CLOCK_REALTIME, &real)
    #expect(abs(UnixClock.now().microseconds / 1_000_000 - Int64(real.tv_sec)) < 60)
    var boot = timespec()
    clock_gettime(CLOCK_BOOTTIME, &boot)
    #expect(HostClock.now().microseconds >= Int64(boot.tv_sec) * 1_000_000)
    #expect(HostClock.now().microseconds < (Int64(boot.tv_sec) + 60) * 1_000_000)
  }
}
