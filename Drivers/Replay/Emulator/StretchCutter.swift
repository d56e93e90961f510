// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A recording is cut where the recorded instrument changed its step, or, where the file does not tell steps, where
// the current changed its sense. What lasts less than a second is a glitch of a relay or a range and no stretch: it
// belongs to the one before it. An interval across a cut belongs to both sides, each with its own current up to the
// moment at which the new step began; where the file does not tell that moment, all of it to the side before.

/// Cuts rows into stretches.
struct StretchCutter: Sendable {
  /// What makes one piece of rows differ from the next.
  enum Key: Sendable, Hashable {
    case step(Int64)
    case sense(Stretch.Sense)

    init(_ row: RecordedRow, deadBand: Double) {
      if let step = row.step {
        self = .step(step)
      } else {
        self = .sense(Self.sense(row.current, deadBand))
      }
    }

    static func sense(_ current: Double, _ deadBand: Double) -> Stretch.Sense {
      abs(current) <= deadBand ? .rest : current > 0 ? .charge : .discharge
    }
  }

  /// Rows between two cuts.
  private struct Piece: Sendable {
    var key: Key
    var stretch: Stretch
    /// Rows whose values count: not those of glitches.
    var counted = 0
    var currentSum = 0.0
    var lowest = Double.infinity
    var highest = -Double.infinity
    /// Magnitudes of the second row and the last.
    var firstCurrent: Double?
    var lastCurrent = 0.0

    var lastsLong: Bool {
      stretch.endMicroseconds - stretch.startMicroseconds >= StretchCutter.shortestStretch
    }

    mutating func take(_ row: RecordedRow) {
      stretch.rows += 1
      counted += 1
      stretch.lastVoltage = row.voltage
      currentSum += row.current
      // The first row may still be on its way.
      guard stretch.rows > 1 else { return }
      lowest = min(lowest, row.voltage)
      highest = max(highest, row.voltage)
      firstCurrent = firstCurrent ?? abs(row.current)
      lastCurrent = abs(row.current)
    }

    /// Goes on with what follows; its values count only where it is more than a glitch.
    mutating func absorb(_ other: Piece, counts: Bool) {
      stretch.passed.add(other.stretch.passed)
      stretch.endMicroseconds = other.stretch.endMicroseconds
      if counts {
        currentSum += other.currentSum
        lowest = min(lowest, other.lowest)
        highest = max(highest, other.highest)
        firstCurrent = firstCurrent ?? other.firstCurrent
        lastCurrent = other.lastCurrent
        counted += other.counted
        stretch.lastVoltage = other.stretch.lastVoltage
      }
      stretch.rows += other.stretch.rows
    }
  }

  /// In microseconds.
  static let shortestStretch: Int64 = 1_000_000
  /// More than any protocol has; a dead band that is too small cuts at every row.
  static let mostStretches = 200_000
  /// A held voltage stays within this, in volts …
  private static let holdBand = 0.010
  /// … while its current falls to this share or less.
  private static let holdShare = 0.8

  let deadBand: Double
  let plateauThreshold: Double?
  let file: String
  private(set) var stretches: [Stretch] = []
  private var piece: Piece?
  private var open: Piece?
  /// What came before the first stretch and was none.
  private var lead: Piece?
  private var last: RecordedRow?

  init(deadBand: Double, plateauThreshold: Double?, file: String) {
    self.deadBand = deadBand
    self.plateauThreshold = plateauThreshold
    self.file = file
  }

  /// How long before its first row a step began, in microseconds: what the file says, within the interval before it.
  static func lead(of row: RecordedRow, after last: Int64) -> Int64 {
    guard row.step != nil, let told = row.stepTime, told > 0 else { return 0 }
    return min(told, row.time - last)
  }

  /// The same for the first row of all: a recording that began with its test also counts from there.
  static func lead(ofFirst row: RecordedRow) -> Int64 {
    guard row.step != nil, let told = row.stepTime, told > 0, abs(row.time - told) < 500_000 else { return 0 }
    return told
  }

  /// Takes the next row.
  mutating func take(_ row: RecordedRow) throws(RecordingError) {
    let key = Key(row, deadBand: deadBand)
    defer { last = row }
    guard let last else { return begin(key, row, lead: Self.lead(ofFirst: row)) }
    guard key == piece?.key else {
      let lead = Self.lead(of: row, after: last.time)
      count(from: last.time, to: row.time - lead, last, last)
      try finishPiece(at: row.time - lead)
      begin(key, row, lead: lead)
      return
    }
    count(from: last.time, to: row.time, last, row)
    piece?.take(row)
  }

  private mutating func begin(_ key: Key, _ row: RecordedRow, lead: Int64) {
    let stretch = Stretch(
      sense: .rest, isHold: false, firstLine: row.line, rows: 0, startMicroseconds: row.time - lead,
      endMicroseconds: row.time, meanCurrent: 0, firstVoltage: row.voltage, lastVoltage: row.voltage,
      offset: row.offset, passed: PassedCharge())
    piece = Piece(key: key, stretch: stretch)
    count(from: row.time - lead, to: row.time, row, row)
    piece?.take(row)
  }

  private mutating func count(from: Int64, to: Int64, _ first: RecordedRow, _ second: RecordedRow) {
    piece?.stretch.passed.count(
      seconds: Double(to - from) / 1e6, current: first.current, second.current, voltage: first.voltage,
      second.voltage, below: plateauThreshold)
  }

  private mutating func finishPiece(at end: Int64) throws(RecordingError) {
    guard var piece else { return }
    self.piece = nil
    piece.stretch.endMicroseconds = end
    if !piece.lastsLong {
      if open == nil, lead == nil {
        lead = piece
      } else if open == nil {
        lead?.absorb(piece, counts: false)
      } else {
        open?.absorb(piece, counts: false)
      }
    } else if open?.key == piece.key {
      open?.absorb(piece, counts: true)
    } else {
      try closeOpen()
      if var before = lead {
        // Its key and values are those of what it leads to.
        before.key = piece.key
        before.currentSum = 0
        before.counted = 0
        (before.lowest, before.highest, before.firstCurrent) = (.infinity, -.infinity, nil)
        before.absorb(piece, counts: true)
        piece = before
        lead = nil
      }
      open = piece
    }
  }

  private mutating func closeOpen() throws(RecordingError) {
    guard let open else { return }
    self.open = nil
    guard stretches.count < Self.mostStretches else {
      let words = "the recording falls into more than \(Self.mostStretches) stretches by line"
      throw RecordingError(
        file, line: open.stretch.firstLine,
        "\(words); a step_index, or a larger dead band than \(deadBand) A, would help")
    }
    var stretch = open.stretch
    stretch.meanCurrent = open.currentSum / Double(max(open.counted, 1))
    stretch.sense = Key.sense(stretch.meanCurrent, deadBand)
    stretch.isHold =
      stretch.sense != .rest && open.counted >= 5 && open.highest - open.lowest <= Self.holdBand
      && open.lastCurrent <= (open.firstCurrent ?? 0) * Self.holdShare
    stretches.append(stretch)
  }

  /// The file is over.
  mutating func finish() throws(RecordingError) {
    guard let last else { return }
    try finishPiece(at: last.time)
    if open == nil { (open, lead) = (lead, nil) }
    try closeOpen()
  }
}
