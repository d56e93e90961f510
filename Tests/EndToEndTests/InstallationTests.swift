// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation
import Testing

extension CommandProgramTests {
  /// What `make install` and `make uninstall` do to a tree, with the programs that are built already in place of static
  /// ones.
  @Suite struct InstallationTests {
    @Test func whatIsInstalledIsCompleteWorksAndGoesAgain() throws {
      let rig = try LaboratoryRig()
      let root = rig.directory.appendingPathComponent("root").path
      let install = try makeInstall(root)
      #expect(install.status == 0, "\(install.errors)")
      let files = try installed(root)
      let expected =
        ["nacyclerd", "nactl", "nasim"].map { "opt/nc/bin/\($0)" } + [
          "usr/lib/systemd/system/nacyclerd.service", "usr/lib/sysusers.d/nacycler.conf",
          "usr/lib/tmpfiles.d/nacycler.conf", "usr/lib/udev/rules.d/70-nacycler.rules",
          "opt/nc/share/bash-completion/completions/nactl", "opt/nc/share/zsh/site-functions/_nactl",
          "opt/nc/share/fish/vendor_completions.d/nactl.fish", "opt/nc/share/doc/nacycler/LICENSE",
          "opt/nc/share/doc/nacycler/NOTICE",
        ]
        + (try data("Protocols").map { "opt/nc/share/nacycler/protocols/\($0)" })
        + ["nacycler_cellpy.yml", "pyprobe_open.py"].map { "opt/nc/share/nacycler/readers/\($0)" }
        + (try data("VirtualCells").map { "opt/nc/share/nacycler/virtual-cells/\($0)" })
      #expect(files == Set(expected))
      let unit = try String(contentsOfFile: root + "/usr/lib/systemd/system/nacyclerd.service", encoding: .utf8)
      #expect(unit.contains("\nExecStart=/opt/nc/bin/nacyclerd "))
      // The installed nasim finds the installed presets, the installed nactl completes.
      let presets = try LaboratoryRig.system("env", "-u", "NASIM_PRESETS", root + "/opt/nc/bin/nasim", "presets")
      #expect(presets.status == 0 && presets.output.contains("hard-carbon"), "\(presets.errors)")
      let syntax = try LaboratoryRig.system("bash", "-n", root + "/opt/nc/share/bash-completion/completions/nactl")
      #expect(syntax.status == 0, "\(syntax.errors)")
      let uninstall = try LaboratoryRig.system(
        "make", "-s", "-C", LaboratoryRig.repository.path, "uninstall", "DESTDIR=\(root)", "PREFIX=/opt/nc")
      #expect(uninstall.status == 0, "\(uninstall.errors)")
      #expect(try installed(root) == [])
    }

    /// `make install` without its build: `static` is taken for done.
    private func makeInstall(_ root: String) throws -> CommandResult {
      try LaboratoryRig.system(
        "make", "-s", "-C", LaboratoryRig.repository.path, "-o", "static", "install", "DESTDIR=\(root)",
        "PREFIX=/opt/nc", "BUILT=\(try LaboratoryRig.programs.path)")
    }

    private func data(_ folder: String) throws -> [String] {
      try FileManager.default.subpathsOfDirectory(
        atPath: LaboratoryRig.repository.appendingPathComponent(folder).path
      ).filter { $0.hasSuffix(".json") }
    }

    /// Files below a folder, relative to it.
    private func installed(_ root: String) throws -> Set<String> {
      Set(
        try FileManager.default.subpathsOfDirectory(atPath: root).filter {
          var isFolder: ObjCBool = false
          return FileManager.default.fileExists(atPath: root + "/" + $0, isDirectory: &isFolder) && !isFolder.boolValue
        })
    }
  }
}
