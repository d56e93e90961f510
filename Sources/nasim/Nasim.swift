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

  /// Options that may be given several times.
  private static let repeatable: Set<String> = ["--set"]

  /// Refuses what the argument parser takes silently: of an option that is given twice it keeps the last.
  static func main() {
    if let name = repeated(in: CommandLine.arguments.dropFirst()) {
      exit(
        withError: ValidationError(
          "\(name) is given twice, and one value is taken. A bench has instruments of one kind: for others run a second "
            + "nasim with a --links of its own; --count N makes several."))
    }
    main(nil)
  }

  /// The first option that is there a second time.
  static func repeated(in arguments: some Sequence<String>) -> String? {
    var seen: Set<String> = []
    for argument in arguments.prefix(while: { $0 != "--" }) where argument.hasPrefix("--") {
      let name = String(argument.prefix { $0 != "=" })
      if !repeatable.contains(name), !seen.insert(name).inserted { return name }
    }
    return nil
  }
}
