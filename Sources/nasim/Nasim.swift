// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser

/// `nasim`: emulated instruments with virtual cells.
@main
struct Nasim: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nasim",
    abstract: "Emulated instruments with virtual sodium cells, each on a pseudo-terminal.",
    discussion: "To a host the instruments look like hardware; see docs/virtual-laboratory.md.",
    subcommands: [
      Run.self, TruthCommand.self, Fault.self, ChamberCommand.self, Status.self, Presets.self, Rehearse.self,
    ])
}
