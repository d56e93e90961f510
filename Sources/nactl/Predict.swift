// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI

/// A share on the command line, such as `99.9 %`.
struct ShareArgument: ExpressibleByArgument {
  /// A fraction.
  var fraction: Double

  init?(argument: String) {
    let text = argument.trimmingSpaces()
    guard text.hasSuffix("%"), let value = Double(text.dropLast().trimmingSpaces()), value > 0, value.isFinite else {
      return nil
    }
    fraction = value / 100
  }
}

/// A charge on an area, such as `3 mAh/cm2`.
struct ArealCapacityArgument: ExpressibleByArgument {
  /// In mAh/cm2.
  var milliampereHours: Double

  init?(argument: String) {
    let text = argument.trimmingSpaces()
    guard let unit = ["mAh/cm2", "mAh/cm²"].first(where: { text.hasSuffix($0) }),
      let value = Double(text.dropLast(unit.count).trimmingSpaces()), value > 0, value.isFinite
    else { return nil }
    milliampereHours = value
  }
}

/// `nactl predict [RUN]`
struct Predict: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Says what an efficiency means for the life of a cell that is limited by its sodium.",
    discussion:
      "Two of --coulombic-efficiency, --cycles and --retention give the third; a run stands for its own efficiency. It "
      + "is arithmetic, not a forecast: retention = efficiency to the power of the cycles.")
  @OptionGroup var daemon: DaemonOption
  @Argument(
    help: "A run of a full or anode-free cell: its number, last, or the name of its cell for the newest run.")
  var reference: RunName?
  @Option(help: ArgumentHelp("Of each cycle, for instance \"99.9 %\".", valueName: "share"))
  var coulombicEfficiency: ShareArgument?
  @Option(help: "How many cycles.") var cycles: Double?
  @Option(help: ArgumentHelp("What is left of the capacity, for instance \"80 %\".", valueName: "share"))
  var retention: ShareArgument?
  @Option(
    help: ArgumentHelp("Sodium that is plated, for instance \"3 mAh/cm2\": how thick it is.", valueName: "charge"))
  var arealCapacity: ArealCapacityArgument?
  @Option(help: "table for people, or json as the daemon sends it.") var format: PredictionFormat = .table

  /// How a prediction is written.
  enum PredictionFormat: String, ExpressibleByArgument, CaseIterable {
    case table, json
  }

  func run() async throws {
    let client = try daemon.client()
    let request = PredictionRequest(
      coulombic_efficiency: coulombicEfficiency?.fraction, cycles: cycles, retention: retention?.fraction,
      run: try await reference?.looked(at: client),
      areal_capacity_mAh_per_cm2: arealCapacity?.milliampereHours)
    let answer = try await client.predict(request)
    if format == .json { Terminal.out(bytes: answer.json) } else { Terminal.out(Self.lines(answer.value)) }
  }

  private static func lines(_ prediction: Prediction) -> String {
    var lines: [String] = []
    if let efficiency = prediction.coulombic_efficiency {
      let origin = prediction.run.map { "  (run \($0), \(prediction.cycles_of_run ?? 0) comparable life cycles)" } ?? ""
      lines.append("coulombic efficiency  \(Numbers.percent(efficiency, decimals: 4)) %\(origin)")
      lines.append("cycles                \(prediction.cycles.map { Numbers.fixed($0, 1) } ?? Numbers.unknown)")
      lines.append("retention             \(Numbers.percent(prediction.retention)) %")
    }
    if let thickness = prediction.sodium_thickness_um {
      lines.append("sodium                \(Numbers.fixed(thickness, 2)) µm")
    }
    return lines.map { $0 + "\n" }.joined()
  }
}
