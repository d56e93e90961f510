// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What concerns no run and is told beside the answers: ports that cannot be used, a store that refuses.

internal import ControlAPI
internal import CycleStore
internal import CyclerModel

extension StoreFailure {
  /// Name and detail in one line.
  var told: String { "\(code.rawValue): \(detail)" }
}

extension UnusablePort {
  /// A port with what was found there.
  init(port: String, _ fault: Fault) {
    self.init(port: port, code: fault.code.rawValue, message: fault.detail, hint: Self.hint(for: fault.code, at: port))
  }

  private static func hint(for code: FaultCode, at port: String) -> String {
    switch code {
    case .linkBusy: "end the other program, or leave the port to it; it is tried again by itself"
    case .linkIdentity: "docs/instruments.md lists what is driven, and from which firmware on"
    case .linkTimeout, .linkLost, .linkGarbage:
      "is it another family's instrument? `nactl identify \(port)` asks; otherwise switch it off and on, or take the port "
        + "out of --port"
    case .portStalled: "unplug the instrument and plug it in; look into `dmesg`"
    default: "the message says what is missing; `nactl channels` shows it until the port can be used"
    }
  }
}
