// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Law 2: a run on an instrument that leaves the cell to this machine begins only when a person has agreed to that.

internal import ControlAPI
internal import InstrumentKit

extension InstrumentCapabilities {
  /// What the instrument does not do for the cell when the host is not there; nil when it does all.
  var gapWithoutHost: String? {
    switch (holdsBounds, hasLease) {
    case (true, true): nil
    case (false, true): "holds no voltage and current limits itself"
    case (true, false): "stays on when this machine dies"
    case (false, false): "holds no voltage and current limits itself and stays on when this machine dies"
    }
  }

  /// Why a run is not begun on such an instrument; nil when it may be.
  func checkHardwareLimits(_ channel: String, accepted: Bool) -> RequestRefused? {
    guard !accepted, let gapWithoutHost else { return nil }
    return RequestRefused(
      .conflict, code: "start.no_hardware_limits", message: "the instrument of \(channel) \(gapWithoutHost)",
      hint: "choose another channel, or agree to it with --accept-no-hardware-limits; the run keeps your word")
  }
}
