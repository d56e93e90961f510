// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI
import CyclerModel
import CyclingData
import Glibc
import Quantities

/// `nactl analyze FILE`
struct Analyze: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tells the cycles of data from anywhere: capacities, efficiencies, plateaus, fade.",
    discussion: """
      Reads CSV with the columns time_s, current_A and voltage_V (other units too: time_h, current_mA, voltage_mV), \
      better with step_index and step_time_s, the Battery Data Format, and text exports of Neware, Arbin and EC-Lab. \
      Positive current charges. The definitions are those of a live run (docs/metrics.md). No daemon is asked. Exports of \
      NaCycler carry what their run knew and need no option; they give the cycles of the run to the last digit.
      """)

  @Argument(help: "The file, or - for standard input.", completion: .file()) var file: String
  @OptionGroup var cell: AnalyzedCellOptions
  @OptionGroup var table: AnalyzedTableOptions
  @Option(help: "table for people, json or csv.") var format: ListFormat = .table
  @Option(help: "mAh, mAh/g or mAh/cm2; csv and json always give Ah.") var units: CapacityUnits = .milliampereHours

  func run() throws {
    let options = try cell.analysisOptions(table)
    let scale = try cell.scale(units)
    let result = try read(options)
    for note in result.notes { Terminal.error("note: \(note)\n") }
    let report = AnalysisReport(result, file: file, options: result.stampedOptions ?? options, cell: cell)
    switch format {
    case .json: try report.writeJSON()
    case .csv: Terminal.out(Table(columns: report.columns(scale)).csv(report.cycles))
    case .table: Terminal.out(report.text(scale))
    }
  }

  private func read(_ options: AnalysisOptions) throws -> AnalysisResult {
    let descriptor = file == "-" ? 0 : open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileFailure("unreadable", path: file) }
    defer { if file != "-" { close(descriptor) } }
    var status = stat()
    let size = fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 19, alignment: 64)
    defer { buffer.deallocate() }
    var done = 0
    do {
      var analysis = try DataAnalysis(options)
      while true {
        let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else {
          let number = errno
          Terminal.endProgress()
          throw FileFailure("unreadable", path: file, number: number)
        }
        if count == 0 { break }
        try analysis.read(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        showProgress(done, done + count, of: size)
        done += count
      }
      Terminal.endProgress()
      return try analysis.finish()
    } catch let problem as DataProblem {
      Terminal.endProgress()
      throw failure(problem)
    }
  }

  /// A bar for each new hundredth of a long file.
  private func showProgress(_ before: Int, _ now: Int, of size: Int) {
    guard size > 1 << 25, before * 100 / size != now * 100 / size else { return }
    let full = min(20, now * 20 / size)
    let bar = String(repeating: "#", count: full) + String(repeating: ".", count: 20 - full)
    Terminal.progress("[\(bar)] \(min(100, now * 100 / size)) % of \(Numbers.bytes(size))")
  }

  private func failure(_ problem: DataProblem) -> any Error {
    if problem.code.hasPrefix("analysis.") || problem.code.hasPrefix("columns.") {
      return UsageFailure(code: problem.code, message: problem.message, hint: problem.hint)
    }
    let place = problem.line.map { "\(file):\($0): " } ?? "\(file): "
    let known = ["time_s", "current_A", "voltage_V", "Test Time / s", "Current / A", "Voltage / V", "Current(mA)"]
    let near = problem.columnNames.compactMap { name in
      NearestWord.to(name, among: known).flatMap { $0 == name ? nil : "“\(name)” may stand for \($0); " }
    }.prefix(3).joined()
    return FileFailure(code: problem.code, message: place + problem.message, hint: near + problem.hint)
  }
}
