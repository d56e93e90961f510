// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

/// Lines that nobody has named to the daemon, and one that somebody has.
@Suite struct IdentifyCommandTests {
  @Test func aPersonIsToldWhoIsThereAndHowToNameIt() throws {
    let rig = try LaboratoryRig()
    try rig.startBench(cell: "hard-carbon", speed: "1")
    for instrument in ["keithley-2400", "rodeostat", "batlab"] {
      try rig.startBench(
        cell: instrument == "batlab" ? "nvpf" : "hard-carbon", speed: "1", instrument: instrument,
        links: rig.directory.appendingPathComponent(instrument).path)
    }
    try rig.startDaemon()
    try rig.waitForChannels(1)
    for (instrument, family) in [
      ("keithley-2400", "keithley_scpi"), ("rodeostat", "rodeostat"), ("batlab", "batlab"),
    ] {
      let port = try Self.line(of: instrument, rig)
      let found = try rig.nactl("identify", port, "--format", "json")
      #expect(found.status == 0, "\(found)")
      let answer = try found.json()
      #expect(answer["instrument_family"] as? String == family, "\(answer)")
      #expect(answer["port_option"] as? String == "\(family):\(port)")
      #expect((answer["asked"] as? [String])?.last == family)
    }
    // Who was asked is free again, and known to nobody.
    let again = try rig.nactl("identify", try Self.line(of: "keithley-2400", rig))
    #expect(again.status == 0 && again.output.contains("the daemon takes it with: nacyclerd --port"), "\(again)")
    #expect(try rig.nactl("channels", "--format", "json").json()["channels"].map { ($0 as? [Any])?.count } == 1)
  }

  @Test func whatIsInUseOrNoPortIsRefused() throws {
    let rig = try LaboratoryRig()
    try rig.startBench(cell: "hard-carbon", speed: "1")
    try rig.startDaemon()
    try rig.waitForChannels(1)
    let own = try #require(rig.channel()["port"] as? String)
    let used = try rig.nactl("identify", own)
    #expect(used.status != 0 && used.errors.contains("speaks methodscript at"), "\(used)")
    let nowhere = try rig.nactl("identify", rig.directory.appendingPathComponent("none").path)
    #expect(nowhere.status != 0 && nowhere.errors.contains("none"), "\(nowhere)")
    let named = try rig.nactl("identify", "batlab:/dev/ttyUSB0")
    #expect(named.status != 0 && named.errors.contains("names a family already"), "\(named)")
  }

  private static func line(of instrument: String, _ rig: LaboratoryRig) throws -> String {
    let folder = rig.directory.appendingPathComponent(instrument)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    let name = try #require(names.first { $0.contains("-") }, "\(names)")
    return folder.appendingPathComponent(name).path
  }
}
