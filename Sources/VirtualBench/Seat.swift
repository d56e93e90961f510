// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CNacycler
internal import Synchronization
internal import VirtualLab

/// What can be done to an instrument on the bench.
public enum BenchFault: String, Sendable, CaseIterable {
  /// Its line is closed and comes back under the same name; the instrument goes on meanwhile.
  case linkLost = "link-lost"
  /// Its power is cut and comes back: the script is gone, the cell disconnected, the line closed for that time.
  case powerLost = "power-lost"
  /// It goes on and hears, and nothing that it says arrives.
  case mute
}

/// One place on the bench: an instrument, its cell, its line, and the thread that joins them.
final class Seat: Sendable {
  /// What the thread shares with those who ask.
  struct Shared: ~Copyable {
    var instrument: FaultyInstrument
    var ordered: (fault: BenchFault, seconds: Double)?
    var fault: BenchFault?
  }

  let name: String
  let serial: String
  let cellName: String
  /// How many cells it drives.
  let channels: Int
  let link: String
  let pace: Pace
  let shared: Mutex<Shared>
  /// Wakes the thread.
  let event: Int32
  private let stopping = Atomic<Bool>(false)

  init(plan: BenchPlan, number: Int) throws(BenchError) {
    name = plan.name(of: number)
    serial = plan.serial(of: number)
    cellName = plan.cellName
    channels = plan.instrument.channels
    link = "\(plan.links)/\(name)"
    pace = plan.pace
    shared = Mutex(Shared(instrument: try plan.makeFaultyInstrument(number: number)))
    event = nacycler_event_open()
    guard event >= 0 else { throw BenchError("cannot make an event counter", errno: event) }
  }

  var isStopping: Bool { stopping.load(ordering: .acquiring) }

  /// Asks the thread to end.
  func stop() {
    stopping.store(true, ordering: .releasing)
    _ = nacycler_event_signal(event)
  }

  /// Lets a fault happen, for so many real seconds.
  func order(_ fault: BenchFault, seconds: Double) {
    shared.withLock { $0.ordered = (fault, seconds) }
    _ = nacycler_event_signal(event)
  }

  /// What has happened to the cell of a channel so far.
  func truth(channel: Int) -> Truth {
    let (time, truth) = shared.withLock { ($0.instrument.time, $0.instrument.cellTruth(channel: channel)) }
    return Truth(
      instrument: name, serial: serial, channel: channels > 1 ? channel + 1 : nil, cell: cellName, time: time,
      truth: truth)
  }

  /// How the instrument is.
  func status() -> SeatStatus {
    let (time, fault, scripted) = shared.withLock { ($0.instrument.time, $0.fault, $0.instrument.activeFaults) }
    let condition = fault?.rawValue ?? (scripted.isEmpty ? "connected" : scripted.joined(separator: ", "))
    return SeatStatus(instrument: name, serial: serial, cell: cellName, time: time, condition: condition)
  }
}
