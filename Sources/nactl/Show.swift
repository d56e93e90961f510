// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI

/// `nactl show RUN`
struct Show: AsyncParsableCommand {
  /// A page for people, or what the daemon sent.
  enum Form: String, ExpressibleByArgument, CaseIterable { case table, json }

  static let configuration = CommandConfiguration(abstract: "Shows one run with its newest events.")
  @OptionGroup var daemon: DaemonOption
  @OptionGroup var argument: ShownRunArgument
  @Option(help: "table for people, or json as the daemon sends it.") var format: Form = .table
  @Flag(help: "Also the compiled protocol.") var listing = false

  func run() async throws {
    let client = try daemon.client()
    let answer = try await client.run(try await argument.reference(client))
    switch format {
    case .json: Terminal.out(bytes: answer.json)
    case .table: Terminal.out(page(answer.value))
    }
  }

  private func page(_ detail: RunDetail) -> String {
    let lines = runLines(detail) + stepLines(detail) + cellLines(detail)
    let width = lines.map(\.0.count).max() ?? 0
    var text = ""
    for (name, value) in lines {
      text += name + String(repeating: " ", count: width + 2 - name.count) + (value ?? Numbers.unknown) + "\n"
    }
    if !detail.events.isEmpty { text += "\n" + detail.events.map { TailView.line($0) + "\n" }.joined() }
    if listing { text += "\n" + detail.listing.map { $0 + "\n" }.joined() }
    return text
  }

  private func runLines(_ detail: RunDetail) -> [(String, String?)] {
    let run = detail.run
    var lines: [(String, String?)] = [
      ("run", "\(run.run)  \(run.title)"), ("state", run.state + (run.end_reason.map { ": \($0)" } ?? "")),
      ("cell", "\(run.cell), \(detail.role)"),
      ("channel", "\(run.channel), \(detail.instrument)" + (detail.wiring.map { ", \($0)" } ?? "")),
      ("circuit", Channels.circuit(detail.circuit, leaseExpired: detail.circuit_lease_expired_unix_us)),
      ("started", run.started_unix_us.map { "\(Numbers.instant(unixMicroseconds: $0)) by \(run.started_by)" }),
    ]
    if let origin = detail.imported { lines.append(("imported", Self.sentence(origin, detail))) }
    if let revision = Self.revision(detail) { lines.append(("protocol", revision)) }
    if let ended = run.ended_unix_us { lines.append(("ended", Numbers.instant(unixMicroseconds: ended))) }
    // That of another run on the same channel says nothing of one that is over.
    if let latch = detail.latch, run.ended_unix_us == nil || latch.run == run.run {
      lines.append(("latch", "\(latch.fault): \(latch.detail)"))
    }
    return lines
  }

  /// Where a run came from that was not run here.
  private static func sentence(_ origin: RunOrigin, _ detail: RunDetail) -> String {
    let cell = origin.cell == detail.run.cell ? "" : ", where its cell was \(origin.cell)"
    return "\(Numbers.instant(unixMicroseconds: origin.imported_unix_us)) by \(origin.imported_by), from an archive of "
      + "nacyclerd \(origin.archive_version)\(cell) (checksum \(origin.archive_checksum))"
  }

  /// Which revision of the protocol holds, and which waits; nil when there was only ever one.
  private static func revision(_ detail: RunDetail) -> String? {
    guard detail.revisions.count > 1, let newest = detail.revisions.last else { return nil }
    let present = detail.revisions.first { $0.revision == detail.protocol_revision }
    let since = present?.from_step_count.map { " since step \($0), by \(present?.amended_by ?? Numbers.unknown)" } ?? ""
    let holds = "revision \(detail.protocol_revision)\(since)"
    guard newest.revision > detail.protocol_revision else { return holds }
    if let refusal = newest.refusal { return "\(holds); \(newest.revision) did not fit: \(refusal)" }
    return "\(holds); \(newest.revision) waits, by \(newest.amended_by ?? Numbers.unknown)"
  }

  private func stepLines(_ detail: RunDetail) -> [(String, String?)] {
    var lines: [(String, String?)] = [
      ("cycle", detail.run.cycle_number.map { "\($0) of \(detail.run.cycle_count.map { "\($0)" } ?? "?")" }),
      (
        "step",
        detail.step_count.map { step in
          (["\(step)"] + [detail.step_path, detail.step_text].compactMap(\.self).filter { !$0.isEmpty })
            .joined(separator: "  ")
        }
      ),
      ("test time", detail.test_time_s.map(Numbers.duration)),
    ]
    if let record = detail.last_record {
      lines.append(("voltage", record.voltage_V.map { Numbers.fixed($0, 4) + " V" }))
      let isDriving = ["running", "preflight"].contains(detail.run.state)
      lines.append((isDriving ? "current" : "last current", record.current_A.map { Numbers.scaled($0, "A") }))
      if let temperature = record.temperature_degC {
        lines.append(("temperature", Numbers.fixed(temperature, 2) + " °C"))
      }
      if isDriving { lines.append(("next cut-off", record.next_cutoff.map(TailView.text))) }
    }
    if detail.impedance_points > 0 {
      let spectra = detail.impedance_spectra == 1 ? "1 spectrum" : "\(detail.impedance_spectra) spectra"
      let points = detail.impedance_points == 1 ? "1 point" : "\(detail.impedance_points) points"
      lines.append(("impedance", "\(points) in \(spectra)"))
    }
    if let cycle = detail.last_cycle {
      lines.append(("last cycle", TailView.sentence(cycle, units: .milliampereHours)))
    }
    return lines
  }

  private func cellLines(_ detail: RunDetail) -> [(String, String?)] {
    var lines: [(String, String?)] = []
    if let mass = detail.active_mass_ug { lines.append(("active mass", Numbers.scaled(Double(mass) * 1e-6, "g"))) }
    if let area = detail.area_mm2 { lines.append(("area", Numbers.fixed(area / 100, 4) + " cm²")) }
    if let capacity = detail.nominal_capacity_mAh {
      lines.append(("nominal capacity", Numbers.scaled(capacity / 1_000, "Ah")))
    }
    lines.append(("ICE", detail.initial_coulombic_efficiency.map { Numbers.percent($0) + " %" }))
    return lines
  }
}
