// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Apart from the other operations because the store and the control interface both have an `ExportFormat`.

internal import CycleStore

extension CycleStore {
  /// A run in the format of that name: `bdf`, `csv` or `json`.
  func export(run: Int64, formatNamed name: String) async throws -> RunExport {
    guard let format = ExportFormat(rawValue: name) else { throw StoreError.unknown(kind: "format", name: name) }
    return try await RunExport(run: run, format: format, of: self)
  }
}
