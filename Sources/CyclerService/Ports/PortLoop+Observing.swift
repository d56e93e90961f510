// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A channel's thread looks at its thermometer: one load a turn, and the run is told when something new was said or a
// second has passed since it was told last.

internal import CyclerModel
internal import CyclingRun
internal import InstrumentKit
internal import Quantities

extension PortLoop {
  /// A run is told at least so often how old its temperature is.
  static let observingInterval = TimeSpan(seconds: 1)

  /// Tells the runs what their thermometers say. Before the readings of the turn, so that conditions see the newest.
  mutating func observe(_ now: RunMoment) {
    for channel in slots.indices {
      tellTemperature(channel, now)
      guard !commands.isEmpty else { continue }
      driverOutputs.removeAll()
      driverOutputs.wakeAt = driverWakeAt
      workOff(now)
      flush()
    }
  }

  /// Tells one run, if there is something to tell; what it wants done is left in `commands`.
  mutating func tellTemperature(_ channel: Int, _ now: RunMoment) {
    let slot = slots[channel]
    let word = slot.observed?.latest ?? 0
    guard word != slot.observedWord || slot.observeAt <= now.host else { return }
    slot.observedWord = word
    slot.observeAt = now.host + Self.observingInterval
    let seen = ObservationCell.observation(in: word)
    guard slot.pilot?.observe(seen, at: now, into: &runOutputs) != nil else { return }
    takeOutputs(channel)
  }

  /// From now on the channel's run is told what that thermometer says; nil when none is bound.
  mutating func bind(_ cell: ObservationCell?, _ channel: Int) {
    while slots.count <= channel { slots.append(Slot()) }
    slots[channel].observed = cell
    slots[channel].observeAt = HostInstant(microseconds: 0)
  }
}
