// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Who is at a port that nobody has named a family for. Each driver in turn does there what it does at every opening: it
// stops whatever runs and asks who is there. None goes further, so none drives a cell; that the first words of one family
// turn nothing on at the instruments of another is tried for all pairs (Tests/ConformanceTests).

internal import CyclerModel
internal import InstrumentIO
internal import InstrumentKit
internal import Quantities

/// Asks at one port, family after family. Blocks for up to two minutes: for a thread of its own.
struct PortProbe: Sendable {
  /// What was found.
  enum Finding: Sendable {
    case instrument(InstrumentIdentity, asked: [String])
    /// Nobody that a driver drives; the families that were asked for, and why drivers that understood somebody will not.
    case nobody(asked: [String], refusals: [Refusal])
    /// The port itself cannot be used.
    case unusable(Fault)
    /// The daemon stops, or whoever asked has gone.
    case stopped
  }

  /// Somebody is there whom a driver understands and does not drive.
  struct Refusal: Sendable, Hashable {
    var family: String
    var fault: Fault
  }

  /// How long an instrument may take to say who it is, with the repetitions of its driver.
  static let patience = TimeSpan(seconds: 8)

  let path: String
  /// In the order in which they are asked.
  let families: [any InstrumentDriver.Type]
  /// Whether there is no time left: the daemon stops, or nobody waits for the answer any more.
  let isStopping: @Sendable () -> Bool

  func run() -> Finding {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4_096, alignment: 16)
    defer { buffer.deallocate() }
    var asked: [String] = []
    var unusable: Fault?
    var refusals: [Refusal] = []
    for family in families {
      parities: for parity in family.descriptor.parities {
        guard !isStopping() else { return .stopped }
        do {
          let wake = try WakeUp()
          let answer = try ask(family, parity, buffer, wake)
          let name = family.descriptor.family
          if asked.last != name { asked.append(name) }
          switch answer {
          case .identified(let identity): return .instrument(identity, asked: asked)
          case .turnedDown(let fault):
            // It was understood, so the line was set right. Another family may drive it all the same.
            refusals.append(Refusal(family: name, fault: fault))
            break parities
          case .nobody: break
          }
        } catch {
          // The line may not do what this family needs, and do what another does.
          unusable = error
        }
      }
    }
    guard !isStopping() else { return .stopped }
    if asked.isEmpty, let unusable { return .unusable(unusable) }
    return .nobody(asked: asked, refusals: refusals)
  }

  /// One family at one setting of the line.
  private func ask(
    _ family: any InstrumentDriver.Type, _ parity: LineParity, _ buffer: UnsafeMutableRawBufferPointer, _ wake: WakeUp
  ) throws(Fault) -> Answer {
    let port = try InstrumentPorts.open(path, for: family.descriptor, parity: parity)
    defer { port.close() }
    var driver = family.init()
    var outputs = DriverOutputs()
    var unwritten: [UInt8] = []
    let deadline = HostClock.now() + Self.patience
    driver.handle(.opened, at: HostClock.now(), into: &outputs)
    while true {
      unwritten += outputs.writes
      if let answer = Self.answer(in: outputs.events) { return answer }
      let now = HostClock.now()
      guard now < deadline, !isStopping() else { return .nobody }
      let due = min(outputs.wakeAt ?? deadline, min(deadline, now + PortLoop.longestWait))
      guard Self.write(&unwritten, to: port) else { return .nobody }
      let ready = PortPoll.wait(
        port: port, wake: wake, timeout: max(.zero, due - now), untilWritable: !unwritten.isEmpty)
      let wakeAt = outputs.wakeAt
      outputs.removeAll()
      outputs.wakeAt = wakeAt
      if ready.contains(.readable) {
        switch port.read(into: buffer) {
        case .bytes(let count):
          driver.handle(.bytes(UnsafeRawBufferPointer(rebasing: buffer[..<count])), at: HostClock.now(), into: &outputs)
        case .wouldBlock: break
        case .hangUp: return .nobody
        }
      }
      if let due = outputs.wakeAt, due <= HostClock.now() { driver.handle(.tick, at: HostClock.now(), into: &outputs) }
    }
  }

  /// What a driver says of who is there.
  private enum Answer {
    case identified(InstrumentIdentity)
    case turnedDown(Fault)
    case nobody
  }

  /// Nil while nothing is decided.
  private static func answer(in events: [DriverEvent]) -> Answer? {
    for event in events {
      switch event {
      case .identified(let identity): return .identified(identity)
      case .fault(_, let fault) where fault.code == .linkIdentity: return .turnedDown(fault)
      case .fault(_, let fault) where fault.code == .linkTimeout || fault.code == .linkLost: return .nobody
      case .fault, .began, .circuitClosed, .circuitMarkLost, .holdBegan, .reading, .impedance, .circuitOpened, .ended,
        .refused, .orphanEnded, .circuit, .temperature:
        continue
      }
    }
    return nil
  }

  /// Hands over what the port takes; false when it takes nothing any more.
  private static func write(_ bytes: inout [UInt8], to port: any InstrumentPort) -> Bool {
    guard !bytes.isEmpty else { return true }
    switch bytes.withUnsafeBytes({ port.write($0) }) {
    case .written(let count): bytes.removeFirst(count)
    case .hangUp: return false
    }
    return true
  }
}
