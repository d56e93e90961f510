// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CyclerModel
internal import InstrumentKit

/// What tells one observer from another, at whichever port it is.
struct ObserverKey: Sendable, Hashable {
  var family: String
  var serial: String

  init(family: String, serial: String) {
    self.family = family
    self.serial = serial
  }

  init(_ identity: InstrumentIdentity) { self.init(family: identity.family, serial: identity.serial) }
}

/// An instrument that measures beside cells, there or away.
struct ObserverEntry: Sendable {
  var identity: InstrumentIdentity
  /// The port's thread, while it is there.
  var worker: PortWorker?
  /// What it said last; kept when it goes, and grows old then.
  var cell: ObservationCell?
  /// Why it said no temperature, and when.
  var trouble: Trouble?

  struct Trouble: Sendable {
    var detail: String
    var at: HostInstant
  }
}
