// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Finds the reports in what comes over the line. FA begins one wherever it stands, because nothing else contains it; a
// report that is too short, too long or wrong is left out, and the next FA begins anew.

/// Looks for reports, byte by byte.
struct ReportScanner: Sendable, Hashable {
  private var frame: [UInt8] = []
  /// Whether what comes is counted already, until the next report begins.
  private var isCounted = false
  /// Frames that were no reports, and bytes between reports.
  private(set) var damaged = 0

  init() { frame.reserveCapacity(Report.length) }

  /// Takes a byte; the report that it completes.
  mutating func take(_ byte: UInt8) -> Report? {
    if byte == CommandFrame.start {
      if !frame.isEmpty { damaged += 1 }
      frame.removeAll(keepingCapacity: true)
      isCounted = false
    } else if frame.isEmpty {
      if !isCounted { damaged += 1 }
      isCounted = true
      return nil
    }
    frame.append(byte)
    guard frame.count == Report.length else { return nil }
    let report = Report(frame)
    frame.removeAll(keepingCapacity: true)
    if report == nil {
      damaged += 1
      isCounted = true
    }
    return report
  }
}
