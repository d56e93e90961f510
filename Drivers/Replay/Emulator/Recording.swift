// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A data file, read once from end to end before anything is played: so a file that cannot be played is refused with
// the place at which it is wrong, and what the player says of what comes next is known. Kept are the stretches; the
// rows stay in the file and are read again while they are played.

public import VirtualLab

/// A recorded cycling data file.
///
/// Plain CSV with commas: a heading, then one reading a line in the order of time. Needed are the columns `time_s`,
/// `current_A` (positive charging) and `voltage_V`; used, where they are there, `step_index` and `step_time_s`;
/// others are left alone. The memory that it takes grows with the number of stretches and not with the number of
/// rows.
public struct Recording: Sendable {
  /// Its name: letters, digits, `.`, `_` and `-`, at most 40.
  public let name: String
  /// Sixteen hexadecimal digits that follow from each byte of the file (64-bit FNV-1a): the same file is the same
  /// recording. Not a proof against a forger.
  public let digest: String
  /// How many readings it has.
  public let rows: Int
  /// Currents up to this magnitude are rest, in amperes.
  public let deadBandAmperes: Double
  /// The largest magnitude of its currents, in amperes.
  public let largestCurrent: Double
  /// Its parts, in order; never empty.
  public let stretches: [Stretch]
  /// The half-cycles of the whole recording: its stretches of one sense in a row, rests left out. The times are
  /// seconds of the file's clock.
  public let truth: CellTruth
  /// Whether the instrument's own steps cut it; otherwise the sense of its current does.
  public let hasSteps: Bool

  /// The rows from the first on.
  let reader: RecordingRows

  /// So much of the largest current is the dead band where nobody names one.
  public static let deadBandShare = 0.001
  /// The longest name.
  static let longestName = 40

  /// Reads a file, which is kept open.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - name: what it is called; nil takes the file's name without its ending, or its folder's where that is `data`.
  ///   - deadBandAmperes: currents up to this magnitude are rest, 0 or more; nil takes a thousandth of the largest.
  ///   - plateauThresholdVolts: charge below that voltage is counted as plateau charge in the truth; nil counts none.
  /// - Throws: When the file cannot be read or a row of it cannot be played, with the place.
  public init(
    contentsOf path: String, name: String? = nil, deadBandAmperes: Double? = nil, plateauThresholdVolts: Double? = nil
  ) throws(RecordingError) {
    try self.init(
      .file(RecordingFile(path: path)), file: path, name: name ?? Self.name(ofFile: path), deadBandAmperes,
      plateauThresholdVolts)
  }

  /// Reads a text.
  ///
  /// - Parameters:
  ///   - text: what a file would hold.
  ///   - name: what it is called.
  ///   - deadBandAmperes: as for a file.
  ///   - plateauThresholdVolts: as for a file.
  /// - Throws: When a row of it cannot be played, with the place.
  public init(
    text: [UInt8], name: String, deadBandAmperes: Double? = nil, plateauThresholdVolts: Double? = nil
  ) throws(RecordingError) {
    try self.init(.text(text), file: name, name: name, deadBandAmperes, plateauThresholdVolts)
  }

  private init(
    _ source: RecordingSource, file: String, name: String, _ deadBand: Double?, _ threshold: Double?
  ) throws(RecordingError) {
    self.name = Self.plain(name)
    if let deadBand, !(deadBand >= 0 && deadBand.isFinite) {
      throw RecordingError(file, "a dead band of \(deadBand) A makes no sense; 0 or a few microamperes would")
    }
    let survey = try Survey(source, file: file)
    let band = deadBand ?? survey.largestCurrent * Self.deadBandShare
    reader = try RecordingRows(source, file: file)
    var cutter = StretchCutter(deadBand: band, plateauThreshold: threshold, file: file)
    var pass = reader
    while let row = try pass.next() { try cutter.take(row) }
    try cutter.finish()
    guard !cutter.stretches.isEmpty else { throw RecordingError(file, "has no readings behind its heading") }
    (deadBandAmperes, largestCurrent, rows, hasSteps) = (
      band, survey.largestCurrent, survey.rows, reader.columns.step >= 0
    )
    digest = Self.hexadecimal(survey.digest)
    stretches = cutter.stretches
    truth = Self.truth(of: cutter.stretches)
  }

  /// What is known after the first reading of all rows.
  private struct Survey {
    var rows = 0
    var largestCurrent = 0.0
    var digest: UInt64

    init(_ source: RecordingSource, file: String) throws(RecordingError) {
      var reader = try RecordingRows(source, file: file)
      while let row = try reader.next() {
        rows += 1
        largestCurrent = max(largestCurrent, abs(row.current))
      }
      digest = reader.lines.digest
    }
  }

  private static func truth(of stretches: [Stretch]) -> CellTruth {
    var truth = CellTruth()
    for stretch in stretches where stretch.sense != .rest {
      let direction = stretch.sense == .charge ? 1 : -1
      let sign = Double(direction)
      let passed = stretch.passed
      if truth.open?.direction != direction {
        if let open = truth.open { truth.closed.append(open) }
        truth.open = CellTruth.HalfCycle(
          direction: direction, terminalCharge: 0, lostCharge: 0, terminalEnergy: 0, plateauCharge: 0,
          startedAt: Double(stretch.startMicroseconds) / 1e6, endedAt: 0)
      }
      truth.open?.terminalCharge += passed.charge * sign
      truth.open?.terminalEnergy += passed.energy * sign
      truth.open?.plateauCharge += passed.plateau * sign
      truth.open?.endedAt = Double(stretch.endMicroseconds) / 1e6
    }
    return truth
  }

  // MARK: Names

  private static func name(ofFile path: String) -> String {
    let parts = path.split(separator: "/")
    let file = parts.last.map(String.init) ?? path
    let stem = file.lastIndex(of: ".").map { String(file[..<$0]) } ?? file
    return stem == "data" && parts.count > 1 ? String(parts[parts.count - 2]) : stem
  }

  /// With what the wire cannot carry replaced.
  private static func plain(_ name: String) -> String {
    let bytes = name.utf8.prefix(longestName).map { byte -> UInt8 in
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
        byte
      default: UInt8(ascii: "_")
      }
    }
    return bytes.isEmpty ? "recording" : String(decoding: bytes, as: UTF8.self)
  }

  private static func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16, uppercase: true)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }
}
