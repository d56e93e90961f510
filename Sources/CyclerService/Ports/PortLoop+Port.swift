// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The port of a port's thread: opened, read, written to, given up.

internal import CNacycler
internal import CycleStore
internal import CyclerModel
internal import CyclingEngine
internal import CyclingRun
internal import InstrumentIO
internal import InstrumentKit
internal import Quantities

extension PortLoop {
  mutating func openIfDue() {
    // Whoever left a cell driven is looked for until the very end.
    guard port == nil, endsAt == nil || isLeftDriven else { return }
    let now = HostClock.now()
    if let reopenAt, now < reopenAt { return }
    do {
      let descriptor = type(of: driver).descriptor
      let parity = descriptor.parities[strangers % descriptor.parities.count]
      port = try InstrumentPorts.open(worker.path, for: descriptor, parity: parity)
      recorder?.remark("\(worker.path) is open; a serial line has \(descriptor.baudRate) baud and parity \(parity)")
      reopenAt = nil
      saidUnusable = false
      driver = makeDriver()
      damage.reopened()
      unwritten.removeAll(keepingCapacity: true)
      drive(.opened, moment())
      flush()
    } catch {
      reopenAt = now + Self.reopenInterval
      if !saidUnusable {
        recorder?.remark("\(worker.path) cannot be opened: \(error.detail)")
        saidUnusable = true
        news(.unusable(error))
      }
    }
  }

  mutating func readPort(_ buffer: UnsafeMutableRawBufferPointer, _ now: RunMoment) {
    guard let port else { return }
    switch port.read(into: buffer) {
    case .bytes(let count):
      counts.receivedBytes += Int64(count)
      counts.lastByteAt = now.host
      drive(.bytes(UnsafeRawBufferPointer(rebasing: buffer[..<count])), now)
      flush()
    case .wouldBlock: break
    case .hangUp: loseLink(Fault(.linkLost, "\(worker.path) hung up"))
    }
  }

  /// Writes what the kernel takes; the rest waits until the port is writable.
  mutating func flush() {
    guard !unwritten.isEmpty, let port else { return }
    let result = unwritten.withUnsafeBytes { port.write($0) }
    switch result {
    case .written(let count):
      counts.sentBytes += Int64(count)
      if count == unwritten.count {
        unwritten.removeAll(keepingCapacity: true)
      } else {
        unwritten.removeFirst(count)
      }
      if unwritten.count > Self.writeLimit {
        loseLink(Fault(.linkTimeout, "\(worker.path) takes no bytes: the instrument does not read"))
      }
    case .hangUp: loseLink(Fault(.linkLost, "\(worker.path) hung up"))
    }
  }

  mutating func loseLink(_ fault: Fault) {
    guard let lost = port else { return }
    counts.losses += 1
    if !hasBeenIdentified { strangers += 1 }
    // Whatever else is wrong, an instrument that still listens shall open its circuits.
    sendSafeStop()
    recorder?.remark("the link is given up, the bytes of the safe stop are written: \(fault.detail)")
    // Closing throws away what has not left yet; a serial line needs these milliseconds to carry it.
    _ = nacycler_poll(nil, 0, Self.farewellMicroseconds)
    lost.close()
    port = nil
    unwritten.removeAll(keepingCapacity: true)
    let now = moment()
    if identity != nil { isLeftDriven = slots.contains { $0.sighting.circuit != .openConfirmed } }
    drive(.lost, now)
    for channel in slots.indices {
      slots[channel].sighting.circuit = .unknown
      feed(.instrumentLost(fault), channel, now)
    }
    commands.removeAll(keepingCapacity: true)
    settleTurn(now)
    news(.lost(identity, fault, pilots: takePilots()))
    identity = nil
    slots.removeAll()
    driverWakeAt = nil
    reopenAt = now.host + TimeSpan(milliseconds: 50)
    worker.publish([])
  }

  func sendSafeStop() {
    guard let port else { return }
    _ = type(of: driver).safeStopBytes.withUnsafeBytes { port.write($0) }
  }

  mutating func takePilots() -> [Int: RunPilot] {
    var pilots: [Int: RunPilot] = [:]
    for channel in slots.indices {
      if let pilot = slots[channel].pilot { pilots[channel] = pilot }
      slots[channel].pilot = nil
    }
    return pilots
  }
}
