// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI

/// `nactl impedance RUN`
struct Impedance: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists the points of a run's impedance spectra.",
    discussion: """
      csv has the labels of the Battery Data Format where it has one; table shows rounded numbers.
      """)
  @OptionGroup var list: ListOptions
  @OptionGroup var argument: ShownRunArgument
  @Option(help: "Only the spectrum of this step, as the column STEP says it.") var step: Int64?

  func validate() throws {
    if let step, !(1...0xFF_FFFF).contains(step) { throw ValidationError("--step counts from 1") }
  }

  func run() async throws {
    let client = try list.daemon.client()
    let answer = try await client.impedance(of: try await argument.reference(client), step: step)
    list.write(answer.value.points, Self.columns, json: answer.json, empty: "no point of a spectrum has been measured")
  }

  private static var columns: [Table<ImpedanceFrame>.Column] {
    [
      .init("STEP", "Step Count / 1", number: true) { "\($0.step_count)" },
      .init("POINT", "point", number: true) { "\($0.number)" },
      .init("CYCLE", "Cycle Count / 1", number: true) { $0.cycle_number.map { "\($0)" } },
      .init("TEST TIME", "Test Time / s", number: true, text: { Numbers.duration($0.test_time_s) }) {
        "\($0.test_time_s)"
      },
      .hidden("Unix Time / s") { Numbers.fixed(Double($0.unix_us) / 1e6, 6) },
      .init("FREQUENCY", "Frequency / Hz", number: true, text: { Numbers.scaled($0.frequency_Hz, "Hz") }) {
        "\($0.frequency_Hz)"
      },
      .init("REAL", "Real Impedance / ohm", number: true, text: { Numbers.scaled($0.real_impedance_ohm, "ohm") }) {
        "\($0.real_impedance_ohm)"
      },
      .init(
        "IMAGINARY", "Imaginary Impedance / ohm", number: true,
        text: { Numbers.scaled($0.imaginary_impedance_ohm, "ohm") }
      ) { "\($0.imaginary_impedance_ohm)" },
      .init("VOLTAGE", "Voltage / V", number: true, text: { $0.voltage_V.map { Numbers.fixed($0, 4) + " V" } }) {
        $0.voltage_V.map { "\($0)" }
      },
      .hidden("Current / A") { $0.current_A.map { "\($0)" } },
      .init("FLAGS", "flags", text: { $0.flags.joined(separator: " ") }) { $0.flags.joined(separator: " ") },
    ]
  }
}
