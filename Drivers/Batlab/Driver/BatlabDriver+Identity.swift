// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The answers to the first questions.

import CyclerModel
import InstrumentKit
import Quantities

extension BatlabDriver {
  /// After a refusal it is asked again.
  private static let refusalInterval = TimeSpan(seconds: 10)

  mutating func identify(
    _ role: RegisterTask.Role, _ value: UInt16, _ now: HostInstant, into outputs: inout DriverOutputs
  ) {
    switch role {
    case .presence:
      if value != RegisterPacket.refusal {
        refuse(
          "it answers as a Batlab in its boot loader does: update its firmware with its maker's program", now, &outputs)
        return
      }
    case .firmware:
      identification.firmware = value
      if value <= Self.lastFirmwareWithoutWatchdog {
        refuse("firmware \(value) has no watchdog; 4 is the first that has one", now, &outputs)
        return
      }
    case .serialLow: identification.serialLow = value
    case .serialHigh:
      introduce(UInt32(value) << 16 | UInt32(identification.serialLow), now, into: &outputs)
      return
    case .setUp, .idleCheck, .mode, .drive, .stop, .error, .watchdog, .voltage, .current, .modeCheck: break
    }
    identification.place += 1
    identification.progress = RegisterTask.Progress()
  }

  private mutating func refuse(_ detail: String, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    link = .refused
    identification.restart(now + Self.refusalInterval)
    outputs.events.append(.fault(channel: nil, Fault(.linkIdentity, detail)))
  }

  private mutating func introduce(_ serial: UInt32, _ now: HostInstant, into outputs: inout DriverOutputs) {
    guard serial != .max else {
      refuse("it has no serial number, so nobody could tell it from another", now, &outputs)
      return
    }
    if let told = identification.told, told != serial {
      let detail = "the Batlab \(serial) speaks where \(told) was"
      outputs.events.append(.fault(channel: nil, Fault(.linkLost, detail)))
      link = .refused
      identification.restart(now + Self.refusalInterval)
      return
    }
    link = .ready
    if identification.told == nil {
      identification.told = serial
      outputs.events.append(
        .identified(
          InstrumentIdentity(
            family: Self.descriptor.family, model: Self.modelName, serial: String(serial),
            firmware: String(identification.firmware), capabilities: Self.capabilities)))
    }
    // All four were confirmed to be open before it was asked who it is.
    for channel in channels.indices { outputs.events.append(.circuit(channel: channel, .openConfirmed)) }
  }
}
