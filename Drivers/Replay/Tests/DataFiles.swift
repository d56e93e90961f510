// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import ReplayEmulator
import Testing

/// A set of recorded or simulated data beside the repository; where the folder is not there, the tests of them are
/// skipped and say so.
struct DataFile: CustomTestStringConvertible, Sendable {
  let name: String
  var testDescription: String { name }

  /// The folder that holds the package, wherever it was cloned to.
  static let repository: URL = {
    var folder = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
    while folder.path != "/", !FileManager.default.fileExists(atPath: folder.appending(path: "Package.swift").path) {
      folder.deleteLastPathComponent()
    }
    return folder
  }()
  static let folder = repository.deletingLastPathComponent().appending(path: "shared/data")
  static let areThere = FileManager.default.fileExists(atPath: folder.path)
  static let all = [
    "hc_half_parasitic_2uA", "li_aurora_cccv_partialstart", "li_cellpy_fullcell_formation_arbin",
    "li_cellpy_si_halfcell_multistep", "li_graphite_navani_arbin", "na_cu_reservoir_eta0995", "na_hakadi18650_1c",
    "na_nacoo2_c24", "na_nacoo2_rate", "pybamm_full_cccv_c5", "pybamm_half_hc_c10",
  ].map { DataFile(name: $0) }

  var path: String { Self.folder.appending(path: "\(name)/data.csv").path }

  func recording() throws -> Recording { try Recording(contentsOf: path) }
}

/// One row as the test itself reads it.
struct PlainRow {
  var time: Double
  var current: Double
  var voltage: Double
  var step: Int?
  var stepTime: Double?
}

/// A second, slow reader of the files, which shares nothing with the player's.
enum PlainTable {
  static func rows(_ path: String) throws -> [PlainRow] {
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    let names = lines[0].split(separator: ",").map(String.init)
    func place(_ name: String) throws -> Int { try #require(names.firstIndex(of: name)) }
    let (time, current, voltage) = (try place("time_s"), try place("current_A"), try place("voltage_V"))
    let (step, stepTime) = (names.firstIndex(of: "step_index"), names.firstIndex(of: "step_time_s"))
    return try lines.dropFirst().map { line in
      let fields = line.split(separator: ",", omittingEmptySubsequences: false)
      return PlainRow(
        time: try #require(Double(fields[time])), current: try #require(Double(fields[current])),
        voltage: try #require(Double(fields[voltage])), step: step.flatMap { Int(fields[$0]) },
        stepTime: stepTime.flatMap { Double(fields[$0]) })
    }
  }

  /// Coulombs of the rows from `first` to `last` (from 0): the trapezoid, and across a change of step each side with
  /// its own current up to the new step's beginning. The interval behind the last row belongs to it up to the next
  /// step's beginning.
  static func coulombs(_ rows: [PlainRow], _ first: Int, _ last: Int) -> Double {
    var sum = 0.0
    if first > 0 { sum += rows[first].current * tau(rows, first) }
    for index in first..<last {
      let span = rows[index + 1].time - rows[index].time
      if rows[index + 1].step == rows[index].step {
        sum += span * (rows[index].current + rows[index + 1].current) / 2
      } else {
        let tau = tau(rows, index + 1)
        sum += rows[index].current * (span - tau) + rows[index + 1].current * tau
      }
    }
    if last + 1 < rows.count {
      sum += rows[last].current * (rows[last + 1].time - rows[last].time - tau(rows, last + 1))
    }
    return sum
  }

  private static func tau(_ rows: [PlainRow], _ index: Int) -> Double {
    guard let told = rows[index].stepTime, told > 0 else { return 0 }
    return min(told, rows[index].time - rows[index - 1].time)
  }
}
