// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension CommandProgramTests {
  /// What a person sees of cells: pictures, curves, units, cells side by side; through the programs, against the database.
  @Suite struct PlotCommandTests {
    @Test func curvesHaveTheChargeOfTheirHalfCycles() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon")
      try rig.startDaemon()
      try rig.waitForChannels(1)
      #expect(try rig.nactl("plot", "last").errors.contains("run.not_found"))
      // More records than the daemon reads at a time.
      let file = try TestProtocol.write(.hardCarbon, cycles: 3, to: rig.directory, every: "1 s")
      #expect(try rig.nactl("cell", "add", "HC-1", "--role", "anode-half-cell").status == 0)
      #expect(try rig.nactl("start", file, "--cells", "HC-1", "--channels", "ch1").status == 0)
      #expect(try rig.waitForRun(states: ["completed", "held", "ended"], seconds: 60) == "completed")
      try expectDifferentialCapacity(rig)
      try expectDifferentialVoltage(rig)
      try expectPictures(rig)
      try expectUnits(rig)
      try expectRefusals(rig)
    }

    /// To the nanocoulomb, on any grid, and below the threshold it is the plateau.
    private func expectDifferentialCapacity(_ rig: LaboratoryRig) throws {
      let stored = try rig.sqlite("SELECT charge_nc, plateau_charge_nc FROM half_cycle ORDER BY number")
        .split(separator: "\n").map { $0.split(separator: "|", omittingEmptySubsequences: false).map { Int64($0) } }
      try #require(stored.count == 6)
      for grid in ["5 mV", "2 mV", "0.5 mV", "33.3 mV"] {
        let json = try rig.nactl(
          "plot", "1", "--curve", "dqdv", "--cycles", "1-2,last", "--grid", grid, "--format", "json"
        ).json()
        let halves = try #require(json["half_cycles"] as? [[String: Any]])
        try #require(halves.count == 6)
        for (half, row) in zip(halves, stored) {
          let points = try #require(half["points"] as? [[String: Any]])
          let charges = points.compactMap { $0["charge_nC"] as? Int64 }
          #expect(charges.reduce(0, +) == row[0], "\(grid)")
          #expect(half["charge_nC"] as? Int64 == row[0])
          let width = try #require(half["grid_mV"] as? Double) / 1_000
          let below = points.filter { ($0["voltage_V"] as? Double ?? 9) + width / 2 < 0.1 + 1e-9 }
          guard let plateau = row[1], grid != "33.3 mV", half["direction"] as? String == "discharge" else { continue }
          #expect(below.compactMap { $0["charge_nC"] as? Int64 }.reduce(0, +) == plateau, "\(grid)")
        }
      }
      #expect(stored[0][1] != nil, "the first sodiation has a plateau")
      let csv = try rig.nactl(
        "plot", "1", "--curve", "dqdv", "--cycles", "previous", "--branch", "charge", "--format", "csv", "--smooth",
        "savitzky-golay:7:2"
      ).output.split(separator: "\n")
      #expect(
        csv.first
          == "cycle_number,cell_cycle_number,half_cycle,direction,voltage_V,charge_nC,constant_voltage_charge_nC,dqdv_Ah_per_V,smoothed_dqdv_Ah_per_V"
      )
      #expect(csv.dropFirst().allSatisfy { $0.hasPrefix("2,2,4,charge,") && !$0.hasSuffix(",") })
      #expect(csv.dropFirst().compactMap { Int64($0.split(separator: ",")[5]) }.reduce(0, +) == stored[3][0])
    }

    private func expectDifferentialVoltage(_ rig: LaboratoryRig) throws {
      let json = try rig.nactl("plot", "1", "--curve", "dvdq", "--format", "json").json()
      let halves = try #require(json["half_cycles"] as? [[String: Any]])
      #expect(halves.map { $0["cycle_number"] as? Int } == [3, 3])
      for half in halves {
        let points = try #require(half["points"] as? [[String: Any]])
        #expect(points.count == 200)
        // The slopes lead from the first voltage to the last.
        let grid = try #require(half["grid_uAh"] as? Double) / 1e6
        let change = points.compactMap { $0["dvdq_V_per_Ah"] as? Double }.reduce(0) { $0 + $1 * grid }
        let course = try rig.nactl(
          "plot", "1", "--x", "capacity", "--grid", "\(grid * 1e6) uAh", "--branch",
          try #require(half["direction"] as? String), "--format", "json"
        ).json()
        let curve = try #require((course["half_cycles"] as? [[String: Any]])?.first)
        let nodes = try #require(curve["points"] as? [[String: Any]])
        try #require(nodes.count == 201)
        let (first, last) = (nodes[0]["voltage_V"] as? Double ?? 0, nodes[200]["voltage_V"] as? Double ?? 0)
        #expect(abs(last - first - change) < 1e-9)
        #expect(abs((nodes[200]["charge_Ah"] as? Double ?? 0) - (half["charge_Ah"] as? Double ?? 1)) < 1e-9)
      }
      let coarse = try rig.nactl("plot", "1", "--curve", "dvdq", "--grid", "10 uAh", "--format", "csv").output
      #expect((20...200).contains(coarse.split(separator: "\n").count), "\(coarse)")
    }

    private func expectPictures(_ rig: LaboratoryRig) throws {
      let plain = try rig.nactl("plot", "last")
      #expect(plain.status == 0 && plain.errors.isEmpty, "\(plain.errors)")
      #expect(plain.output.hasPrefix("HC-1, run 1, "), "\(plain.output)")
      #expect(plain.output.contains("voltage / V\n") && plain.output.contains("test time / h"), "\(plain.output)")
      #expect(plain.output.split(separator: "\n").allSatisfy { $0.count <= 82 })
      #expect(try rig.nactl("plot", "last", "--curve", "current").output.contains("current / µA"))
      #expect(try rig.nactl("plot", "last", "--x", "capacity", "--cycles", "1,3").output.contains("2 cycles"))
      let slope = try rig.nactl("plot", "last", "--curve", "dqdv", "--width", "60", "--height", "10").output
      #expect(slope.contains("dQ/dV / mAh/V, discharge downwards"), "\(slope)")
      // The extremes of the whole run survive the thinning, and no record is passed over.
      let trace = try rig.nactl("plot", "last", "--format", "json", "--width", "40").json()
      let columns = try #require(trace["columns"] as? [[String: Any]])
      #expect(columns.count <= 80)
      let extremes = try rig.sqlite("SELECT min(voltage_nv), max(voltage_nv), count(*) FROM record").split(
        separator: "|")
      #expect(columns.compactMap { $0["lowest_voltage_V"] as? Double }.min() == (Double(extremes[0]) ?? 0) / 1e9)
      #expect(columns.compactMap { $0["highest_voltage_V"] as? Double }.max() == (Double(extremes[1]) ?? 0) / 1e9)
      #expect(trace["records"] as? Int == Int(extremes[2]))
      let second = try rig.nactl("plot", "last", "--cycles", "2-3", "--format", "json").json()
      #expect(
        try rig.sqlite("SELECT count(*) FROM record JOIN step USING(step_id) WHERE cycle_number >= 2")
          == "\(second["records"] as? Int ?? -1)")
      for (index, options) in [
        [], ["--curve", "dvdq"], ["--curve", "dqdv", "--smooth", "moving-average", "--cycles", "1-3"],
      ]
      .enumerated() {
        let path = rig.directory.appendingPathComponent("\(index).svg").path
        let written = try rig.nactl(["plot", "1", "--svg", path] + options)
        #expect(written.status == 0, "\(written.errors)")
        let parser = XMLDocumentProbe(path: path)
        #expect(parser.root == "svg" && parser.polylines >= 1, "\(options)")
        #expect(try rig.nactl(["plot", "1", "--svg", path] + options).errors.contains("file.exists"))
      }
      let cycles = try rig.nactl("cycles", "last", "--plot")
      #expect(cycles.output.contains("CE / %") && cycles.output.contains("cycle of the run"), "\(cycles.output)")
    }

    private func expectUnits(_ rig: LaboratoryRig) throws {
      for format in ["table", "csv", "json"] {
        let refused = try rig.nactl("cycles", "1", "--units", "mAh/g", "--format", format)
        #expect(refused.status == 64 && refused.errors.contains("cell.no_mass"), "\(refused.errors)")
        #expect(refused.errors.contains("nactl cell edit HC-1 --mass"), "\(refused.errors)")
      }
      #expect(
        try rig.nactl("cell", "edit", "HC-1", "--mass", "1.25 mg", "--area", "1.131 cm2", "--reason", "weighed").status
          == 0)
      let plain = try rig.nactl("cycles", "1", "--format", "csv").output.split(separator: "\n")
      let specific = try rig.nactl("cycles", "1", "--units", "mAh/g", "--format", "csv").output.split(separator: "\n")
      #expect(plain.count == 4 && specific.count == 4)
      for (one, other) in zip(plain, specific) { #expect(other.hasPrefix(one + ",")) }
      #expect(
        specific[0].hasSuffix(
          ",charge_capacity_mAh_per_g,discharge_capacity_mAh_per_g,sodiation_plateau_capacity_mAh_per_g,desodiation_plateau_capacity_mAh_per_g"
        ))
      let json = try rig.nactl("cycles", "1", "--units", "mAh/cm2", "--format", "json").json()
      let cycle = try #require((json["cycles"] as? [[String: Any]])?.first)
      let (whole, areal) = (cycle["charge_capacity_Ah"] as? Double, cycle["charge_capacity_mAh_per_cm2"] as? Double)
      #expect(abs(try #require(areal) - (try #require(whole)) * 1_000 / 1.131) < 1e-12)
      let standard = try rig.nactl("cycles", "1", "--format", "json").output
      #expect(!standard.contains("mAh_per") && standard.contains("charge_capacity_Ah"))
      #expect(try rig.nactl("plot", "1", "--x", "capacity", "--units", "mAh/g").output.contains("capacity / mAh/g"))
    }

    private func expectRefusals(_ rig: LaboratoryRig) throws {
      for (arguments, code) in [
        (["--curve", "dqdv", "--cycles", "4"], "cycle.not_found"),
        (["--x", "capacity", "--cycles", "1-60"], "cycle.too_many"),
        (["--x", "capacity", "--cycles", "1-3", "--grid", "0.02 uAh"], "curve.too_many_points"),
        (["--curve", "dvdq", "--grid", "0.001 uAh"], "curve.not_possible"),
        (["--curve", "dvdq", "--grid", "0.001 uAh"], "say a charge from "),
        (["--curve", "dqdv", "--smooth", "savitzky-golay:4:2"], "curve.not_possible"),
      ] {
        let refused = try rig.nactl(["plot", "1"] + arguments)
        #expect(refused.status == 1 && refused.errors.contains(code), "\(arguments): \(refused.errors)")
      }
      for wrong in [
        ["--curve", "dqdv", "--x", "time"], ["--curve", "current", "--x", "capacity"], ["--grid", "5 mV"],
        ["--curve", "dqdv", "--grid", "1 uAh"], ["--curve", "dqdv", "--grid", "5"], ["--cycles", "0"],
        ["--cycles", "3-1"],
        ["--curve", "dqdv", "--smooth", "spline"], ["--svg", "x.svg", "--format", "csv"], ["--width", "3"],
      ] {
        #expect(try rig.nactl(["plot", "1"] + wrong).status == 64, "\(wrong)")
      }
      for (grid, right) in [
        ("5", "“5” has no unit of a grid (mV, uAh,"), ("five mV", "“five mV” has no number in front of mV"),
        ("-1 mV", "“-1 mV” is not above zero; write \"2 mV\" for dqdv"),
        ("0.1 mV", "is 0.5 mV to 1 V, such as \"2 mV\""),
        ("1e300 V", "is 0.5 mV to 1 V"), ("1 uAh", "the grid of dqdv is a voltage, such as \"2 mV\""),
      ] {
        let refused = try rig.nactl("plot", "1", "--curve", "dqdv", "--grid", grid)
        #expect(refused.status == 64 && refused.errors.contains(right), "\(grid): \(refused.errors)")
      }
      #expect(try rig.nactl("plot", "1", "--cycles", "1,3").errors.contains("plot.cycles_apart"))
    }

    /// A run that goes on is drawn as far as it is committed, and an open half-cycle says so.
    @Test func aRunThatGoesOnIsDrawnUpToNow() throws {
      let rig = try LaboratoryRig()
      try rig.startBench(cell: "hard-carbon", speed: "3000")
      try rig.startDaemon()
      try rig.waitForChannels(1)
      let file = try TestProtocol.write(.hardCarbon, cycles: 1, to: rig.directory)
      #expect(try rig.nactl("start", file).status == 0)
      try rig.wait(for: "an open half-cycle with charge", seconds: 60) {
        let plot = try rig.nactl("plot", "last", "--curve", "dqdv", "--format", "json")
        guard plot.status == 0, let half = (try plot.json()["half_cycles"] as? [[String: Any]])?.first else {
          return false
        }
        guard let points = half["points"] as? [[String: Any]], half["is_open"] as? Bool == true, points.count > 3 else {
          return false
        }
        #expect(points.compactMap { $0["charge_nC"] as? Int64 }.reduce(0, +) == half["charge_nC"] as? Int64)
        return true
      }
      #expect(try rig.nactl("plot", "last").output.contains("voltage / V"))
      #expect(try rig.nactl("plot", "last", "--x", "capacity").status == 0)
      #expect(try rig.nactl("cycles", "last", "--plot").errors.contains("no cycle has closed yet"))
      #expect(try rig.nactl("stop", "last").status == 0)
    }
  }
}

/// Looks into a written picture with a reader of XML that is not ours.
private struct XMLDocumentProbe {
  private(set) var root = ""
  private(set) var polylines = 0

  init(path: String) {
    let script = """
      import sys, xml.etree.ElementTree as tree
      root = tree.parse(sys.argv[1]).getroot()
      print(root.tag.split('}')[-1], sum(1 for element in root.iter() if element.tag.endswith('polyline')))
      """
    guard let answer = try? LaboratoryRig.system("python3", "-c", script, path), answer.status == 0 else { return }
    let words = answer.output.split(whereSeparator: \.isWhitespace)
    guard words.count == 2 else { return }
    root = String(words[0])
    polylines = Int(words[1]) ?? 0
  }
}
