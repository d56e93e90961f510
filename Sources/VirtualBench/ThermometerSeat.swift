// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The thermometer's place on the bench. Its time is real time whatever the speed of the bench: a host has no other clock
// for it than the arrival of its lines, and a chamber whose warming depended on how fast a host reads would be another
// one each time.

internal import CNacycler
internal import LineThermometerEmulator
internal import Synchronization

/// What can be done to the thermometer.
enum ThermometerFault: String, Sendable, CaseIterable {
  /// Its line is closed and comes back under the same name.
  case linkLost = "link-lost"
  /// The same, and it begins anew.
  case powerLost = "power-lost"
  /// It measures and nothing that it says arrives.
  case mute
  /// Its sensor is disconnected, and it says so.
  case sensorLost = "sensor-lost"
}

/// The thermometer, its line, and what its thread shares with those who ask.
final class ThermometerSeat: Sendable {
  struct Shared: ~Copyable {
    var instrument: LineThermometerInstrument
    var fault: ThermometerFault?
    /// In real microseconds since boot.
    var faultEnds: Int64 = 0
  }

  static let name = "thermometer"
  let link: String
  let serial: String
  let shared: Mutex<Shared>
  /// Wakes the thread.
  let event: Int32
  private let stopping = Atomic<Bool>(false)

  init(_ plan: ThermometerPlan, links: String, number: Int) throws(BenchError) {
    link = "\(links)/\(Self.name)"
    let digits = String(number)
    serial = "NATHERM" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    let chamber = Chamber(temperature: plan.start, target: plan.target, timeConstant: plan.timeConstant)
    shared = Mutex(Shared(instrument: LineThermometerInstrument(serial: serial, chamber: chamber)))
    event = nacycler_event_open()
    guard event >= 0 else { throw BenchError("cannot make an event counter", errno: event) }
  }

  var isStopping: Bool { stopping.load(ordering: .acquiring) }

  func stop() {
    stopping.store(true, ordering: .releasing)
    _ = nacycler_event_signal(event)
  }

  func order(_ fault: ThermometerFault, seconds: Double) {
    shared.withLock {
      $0.fault = fault
      $0.faultEnds = nacycler_boottime_us() + Int64(seconds * 1e6)
    }
    _ = nacycler_event_signal(event)
  }

  /// Sends the chamber elsewhere.
  func go(to target: Double) { shared.withLock { $0.instrument.chamber.target = target } }

  func status() -> SeatStatus {
    shared.withLock {
      SeatStatus(
        instrument: Self.name, serial: serial, cell: "chamber at \($0.instrument.chamber.temperature) degC",
        time: $0.instrument.time, condition: $0.fault?.rawValue ?? "connected")
    }
  }
}

/// What the thermometer's thread owns.
struct ThermometerThread: ~Copyable {
  /// How often time passes: a host's question is answered within it, and a line is late by no more.
  private static let tick: Int64 = 50_000
  /// More than so many bytes that nobody has read, and a line is lost, as on a wire that nobody listens to.
  private static let unread = 256

  private let seat: ThermometerSeat
  private var terminal: PseudoTerminal?
  private var input = [UInt8](repeating: 0, count: 256)
  private var output: [UInt8] = []
  private let origin = nacycler_boottime_us()

  init(seat: ThermometerSeat) throws(BenchError) {
    self.seat = seat
    terminal = try PseudoTerminal.open(link: seat.link)
  }

  /// Serves until the seat is stopped.
  mutating func run() {
    while !seat.isStopping {
      let fault = takeFault()
      switch fault {
      case .linkLost, .powerLost: terminal = nil
      case .mute, .sensorLost, nil: if terminal == nil { terminal = try? PseudoTerminal.open(link: seat.link) }
      }
      hear()
      speak(isMute: fault == .mute)
      if terminal == nil {
        EventWait.wait(for: seat.event, microseconds: Self.tick)
      } else {
        terminal?.wait(forRoom: false, event: seat.event, microseconds: Self.tick)
      }
    }
  }

  private func takeFault() -> ThermometerFault? {
    seat.shared.withLock { shared in
      if shared.fault != nil, nacycler_boottime_us() >= shared.faultEnds {
        if shared.fault == .powerLost {
          var lost: [UInt8] = []
          shared.instrument.powerCycle(output: &lost)
        }
        shared.fault = nil
      }
      shared.instrument.hasSensor = shared.fault != .sensorLost
      return shared.fault
    }
  }

  private mutating func hear() {
    let count = input.withUnsafeMutableBytes { terminal?.read(into: $0) ?? 0 }
    guard count > 0 else { return }
    input.withUnsafeBytes { bytes in
      seat.shared.withLock { $0.instrument.receive(.init(rebasing: bytes[..<count])) }
    }
  }

  private mutating func speak(isMute: Bool) {
    output.removeAll(keepingCapacity: true)
    let time = Double(nacycler_boottime_us() - origin) * 1e-6
    seat.shared.withLock { $0.instrument.run(until: time, output: &output) }
    guard !isMute, !output.isEmpty, (terminal?.unreadBytes ?? .max) <= Self.unread else { return }
    // A line that does not fit is lost; its checksum tells the host.
    _ = output.withUnsafeBytes { terminal?.write($0) }
  }
}
