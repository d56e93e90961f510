// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Rows when they are due.

import VirtualLab

extension ReplayInstrument {
  /// What is said next.
  private enum Next {
    case row(RecordedRow, at: Int64)
    case standing(at: Int64)
    case end(at: Int64, String)

    var time: Int64 {
      switch self {
      case .row(_, let time), .standing(let time), .end(let time, _): time
      }
    }
  }

  /// Says what is due until `end`.
  mutating func play(until end: Int64, _ output: inout [UInt8], _ limit: Int) -> EmulatorPause {
    while let base = playing?.base, isPlaying {
      if output.count >= limit { return .outputFull }
      guard nextLine - acknowledged <= Self.window, let next = next() else { return .idle }
      let due = base + next.time
      guard due <= end else {
        clock = max(clock, end)
        return .reachedLimit
      }
      // What had to wait for the host is not made up for.
      if due < clock { playing?.base += clock - due } else { clock = due }
      switch next {
      case .row(let row, let time): say(row, at: time, &output)
      case .standing(let time): sayStanding(at: time, &output)
      case .end(let time, let reason): sayEnd(at: time, reason, &output)
      }
    }
    return output.count >= limit ? .outputFull : .idle
  }

  private mutating func next() -> Next? {
    guard let playing else { return nil }
    if case .look(let lasting, _) = playing.request.expectation {
      return place.time < lasting || playing.firstLine + 1 == nextLine
        ? .standing(at: nextLook(lasting)) : .end(at: lasting, "look")
    }
    continueIntoHold()
    if let stretch = stretchAtEnd {
      let isLast = place.stretch + 1 == recording.stretches.count
      return .end(at: stretch.endMicroseconds - playing.zero, isLast ? "last" : "stretch")
    }
    guard let row = peek() else { return .end(at: place.time, "damaged") }
    return .row(row, at: max(row.time - playing.zero, place.time))
  }

  /// A set-point of a current and a hold goes on with the hold, where that is a stretch of its own.
  private mutating func continueIntoHold() {
    guard let playing, !playing.hasContinued, case .both = playing.request.expectation, let done = stretchAtEnd,
      !done.isHold, recording.stretches.indices.contains(place.stretch + 1)
    else { return }
    let following = recording.stretches[place.stretch + 1]
    guard following.isHold, following.sense == done.sense else { return }
    place.time = done.endMicroseconds - playing.zero
    enterNextStretch()
    self.playing?.hasContinued = true
  }

  /// The next row, without taking it; nil when the file is no longer what it was.
  private mutating func peek() -> RecordedRow? {
    if let pending { return pending }
    if !isReaderThere { rows.seek(offset: place.offset, line: place.line) }
    isReaderThere = true
    do throws(RecordingError) {
      pending = try rows.next()
    } catch {
      pending = nil
    }
    return pending
  }

  // MARK: - Lines

  private mutating func begin(_ letter: UInt8, at time: Int64, _ output: inout [UInt8]) -> Int {
    let start = output.count
    WireLine.append(nextLine, to: &output)
    output.append(UInt8(ascii: " "))
    output.append(letter)
    output.append(UInt8(ascii: " "))
    WireLine.append(time, to: &output)
    return start
  }

  private mutating func say(_ row: RecordedRow, at time: Int64, _ output: inout [UInt8]) {
    let key = StretchCutter.Key(row, deadBand: recording.deadBandAmperes)
    if let before = place.key, before != key { sayBorder(before: row, &output) }
    place.key = key
    place.rowsPlayed += 1
    place.lastTime = row.time
    place.reached = row.time
    place.lastOffset = row.offset
    place.lastLine = row.line
    place.offset = rows.lines.nextOffset
    place.line = row.line + 1
    place.time = time
    pending = nil
    lastVolts = row.voltage
    lastAmperes = row.current
    let start = begin(UInt8(ascii: "R"), at: time, &output)
    output.append(UInt8(ascii: " "))
    if let fault {
      output.append(contentsOf: "\(fault.amperes(row.current)) \(fault.volts(row.voltage))".utf8)
    } else {
      output.append(contentsOf: rows.lines.buffer[row.currentText])
      output.append(UInt8(ascii: " "))
      output.append(contentsOf: rows.lines.buffer[row.voltageText])
    }
    finishLine(&output, from: start)
  }

  /// The recorded instrument went from one of its steps to another within the set-point.
  private mutating func sayBorder(before row: RecordedRow, _ output: inout [UInt8]) {
    let stretch = recording.stretches[place.stretch]
    guard stretch.sense != .rest, let playing else { return }
    let lead = StretchCutter.lead(of: row, after: place.lastTime)
    place.time = max(place.time, row.time - lead - playing.zero)
    place.reached = place.time + playing.zero
    let start = begin(UInt8(ascii: "C"), at: place.time, &output)
    output.append(contentsOf: (stretch.isHold ? " hold" : " current").utf8)
    finishLine(&output, from: start)
  }

  private mutating func sayStanding(at time: Int64, _ output: inout [UInt8]) {
    rows.seek(
      offset: place.lastOffset < 0 ? place.offset : place.lastOffset,
      line: place.lastOffset < 0 ? place.line : place.lastLine)
    isReaderThere = false
    place.time = time
    guard let row = try? rows.next() else { return sayEnd(at: time, "damaged", &output) }
    lastVolts = row.voltage
    let start = begin(UInt8(ascii: "V"), at: time, &output)
    output.append(UInt8(ascii: " "))
    if let fault {
      output.append(contentsOf: String(fault.volts(row.voltage)).utf8)
    } else {
      output.append(contentsOf: rows.lines.buffer[row.voltageText])
    }
    finishLine(&output, from: start)
  }

  /// The next moment of a look.
  private func nextLook(_ lasting: Int64) -> Int64 {
    guard let playing, case .look(_, let every) = playing.request.expectation else { return lasting }
    return playing.firstLine + 1 == nextLine ? 0 : min(place.time + every, lasting)
  }

  private mutating func sayEnd(at time: Int64, _ reason: String, _ output: inout [UInt8]) {
    guard let playing else { return }
    self.playing?.isOver = true
    place.time = time
    let stretch = min(place.stretch + 1, recording.stretches.count)
    let line = max(place.lastLine, 1)
    if stretchAtEnd != nil { enterNextStretch() }
    let start = begin(UInt8(ascii: "X"), at: time, &output)
    output.append(
      contentsOf: " \(String(decoding: playing.request.token, as: UTF8.self)) \(stretch) \(line) \(reason)".utf8)
    finishLine(&output, from: start)
  }
}
