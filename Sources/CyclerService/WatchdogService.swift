// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Looks after the others: port threads that stall, a store that refuses, clocks that drift apart. And feeds the service
// manager's watchdog, but only with proof that the store's writer, the control loop and the supervision of the ports
// have all gone on since it was last fed (hazard rule 21).

internal import CycleStore
internal import CyclerModel
internal import InstrumentIO
internal import Logging
internal import Quantities
internal import ServiceLifecycle

/// How far everything has come that must go on.
struct Progress: Sendable, Hashable {
  /// Rounds of the store's writer thread.
  var storeRounds: Int64 = 0
  /// Pulses that the control loop has worked off.
  var pulses: Int64 = 0
  /// Looks at all port threads.
  var looks: Int64 = 0

  /// Whether all have gone on since an earlier moment.
  func isBeyond(_ earlier: Progress) -> Bool {
    storeRounds > earlier.storeRounds && pulses > earlier.pulses && looks > earlier.looks
  }
}

/// Supervises ports and store, and feeds the service manager's watchdog.
struct WatchdogService: Service {
  let laboratory: Laboratory
  let store: CycleStore
  let roster: PortRoster
  let notifier: ServiceNotifier
  let logger: Logger

  /// What was seen at the last look.
  private struct Seen {
    var stalled: Set<String> = []
    var failure: FaultCode?
    var status = ""
    var progress = Progress()
    var fed = Progress()
    var wallClock = WallClockWatch()
  }

  func run() async throws {
    // Stalls and a failing store are seen within a second, whatever the manager wants to hear.
    let wanted = notifier.watchdogInterval.map { TimeSpan(microseconds: $0.microseconds / 4) }
    let interval = Duration.microseconds(min(wanted ?? TimeSpan(seconds: 1), TimeSpan(seconds: 1)).microseconds)
    var seen = Seen()
    while !Task.isCancelled, !Task.isShuttingDownGracefully {
      await lookAtPorts(&seen)
      lookAtStore(&seen)
      if let fault = seen.wallClock.look(laboratory.now()) { await laboratory.tell(fault) }
      seen.progress.pulses = await laboratory.pulses
      laboratory.pulse()
      if seen.progress.isBeyond(seen.fed) {
        seen.fed = seen.progress
        notifier.send(.watchdog)
      }
      try? await cancelWhenGracefulShutdown { try await Task.sleep(for: interval) }
    }
  }

  private func lookAtPorts(_ seen: inout Seen) async {
    let stalled = Set(roster.stalled(at: HostClock.now()).map(\.path))
    for path in stalled.subtracting(seen.stalled) { await laboratory.portStalled(path) }
    for path in seen.stalled.subtracting(stalled) { logger.notice("\(path): its thread turns again, or has ended") }
    seen.stalled = stalled
    seen.progress.looks += 1
  }

  private func lookAtStore(_ seen: inout Seen) {
    let health = store.health
    seen.progress.storeRounds = health.rounds
    if let failure = health.failure, failure.code != seen.failure {
      logger.critical("\(failure.told); nothing is acknowledged until it is stored")
    } else if health.failure == nil, seen.failure != nil {
      logger.notice("the store takes rows again; all that waited is stored")
    }
    seen.failure = health.failure?.code
    let status = Self.status(failure: health.trouble, stalled: seen.stalled)
    if status != seen.status, notifier.send(.status(status)) { seen.status = status }
  }

  /// One line for `systemctl status`.
  static func status(failure: StoreFailure?, stalled: Set<String>) -> String {
    var troubles = failure.map { [$0.told] } ?? []
    if !stalled.isEmpty { troubles.append("port.stalled: \(stalled.sorted().joined(separator: ", "))") }
    return troubles.isEmpty ? "all is well" : troubles.joined(separator: "; ")
  }
}
