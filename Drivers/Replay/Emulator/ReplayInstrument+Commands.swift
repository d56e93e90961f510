// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What a host can ask for. A line without its checksum is no line, except the one that a person types.

extension ReplayInstrument {
  mutating func obey(_ line: [UInt8]) {
    if line == [UInt8(ascii: "?")] { return sayIdentity() }
    guard let body = WireLine.body(of: line) else { return }
    let words = body.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    let texts = words.map { String(decoding: $0, as: UTF8.self) }
    switch (texts[0], texts.count) {
    case ("A", 1): answers.append(contentsOf: lastSaid)
    case ("G", 2): if let line = Int64(texts[1]), line < nextLine { acknowledged = max(acknowledged, line) }
    case ("O", 1): stop(after: nil)
    case ("O", 2): if let line = Int64(texts[1]) { stop(after: line) }
    case ("P", 2...): begin(Array(words.dropFirst()))
    default: break
    }
  }

  // MARK: - Stopping

  /// Opens the circuit. The recording goes on behind `line`, or behind all that was said.
  private mutating func stop(after line: Int64?) {
    if let playing {
      // What was acknowledged was taken.
      if let line = line.map({ max($0, acknowledged) }) {
        place = line < playing.firstLine ? playing.before : marks[Int(min(line, nextLine - 1) % Int64(marks.count))]
        if line < playing.firstLine { place.time = 0 }
      }
      if let stretch = stretchAtEnd {
        place.time = stretch.endMicroseconds - playing.zero
        enterNextStretch()
      }
      lastStop = (playing.request.token, place.time)
    }
    playing = nil
    pending = nil
    isReaderThere = false
    guard let lastStop else { return say("S - 0") }
    say("S \(String(decoding: lastStop.token, as: UTF8.self)) \(lastStop.time)")
  }

  /// The present stretch, if all of its rows were played.
  var stretchAtEnd: Stretch? {
    guard recording.stretches.indices.contains(place.stretch) else { return nil }
    let stretch = recording.stretches[place.stretch]
    return place.rowsPlayed == stretch.rows ? stretch : nil
  }

  mutating func enterNextStretch() {
    place.stretch += 1
    place.rowsPlayed = 0
  }

  // MARK: - Beginning

  private mutating func begin(_ words: [ArraySlice<UInt8>]) {
    let token = String(decoding: words[0].prefix(32), as: UTF8.self)
    // The answer was lost on its way.
    if let playing, playing.request.token.elementsEqual(words[0]) { return answers.append(contentsOf: lastSaid) }
    guard !isRefusing else { return say("N \(token) it plays nothing now") }
    guard let request = PlayRequest(words) else { return say("N \(token) the request is none that a player knows") }
    guard playing.map({ $0.isOver }) ?? true else { return say("N \(token) a set-point is under way; O ends it") }
    playing = nil
    pending = nil
    isReaderThere = false
    if case .look = request.expectation {
      start(request, kind: "look", zero: 0, passed: 0)
    } else {
      play(request)
    }
  }

  private mutating func play(_ request: PlayRequest) {
    let token = String(decoding: request.token, as: UTF8.self)
    guard let found = nextFit(for: request) else { return say("N \(token) \(refusal(of: request))") }
    let before = place
    if found.stretch != place.stretch {
      place.stretch = found.stretch
      place.rowsPlayed = 0
      place.offset = recording.stretches[found.stretch].offset
      place.line = recording.stretches[found.stretch].firstLine
    }
    let stretch = recording.stretches[place.stretch]
    let kind = stretch.sense == .rest ? "rest" : stretch.isHold ? "hold" : "current"
    start(
      request, kind: kind, zero: place.rowsPlayed == 0 ? stretch.startMicroseconds : place.reached,
      passed: found.passed, before: before)
  }

  private mutating func start(
    _ request: PlayRequest, kind: String, zero: Int64, passed: Int, before: PlayPlace? = nil
  ) {
    playing = Playing(
      request: request, zero: zero, base: clock, firstLine: nextLine, before: before ?? place)
    acknowledged = nextLine - 1
    lastAmperes = 0
    place.key = nil
    place.time = 0
    let rowsLeft =
      kind == "look" ? 0 : recording.stretches[place.stretch].rows - place.rowsPlayed
    let number = min(place.stretch + 1, recording.stretches.count)
    say("B \(String(decoding: request.token, as: UTF8.self)) \(number) \(kind) \(rowsLeft) \(passed)")
  }

  /// The stretch that a request can be played from, and how many rows are passed over for it: what an earlier set-point
  /// left of its stretch, and rests so short that a look cannot be told from them.
  private func nextFit(for request: PlayRequest) -> (stretch: Int, passed: Int)? {
    var passed = 0
    var index = place.stretch
    while index < recording.stretches.count {
      let stretch = recording.stretches[index]
      if request.fits(stretch) { return (index, passed) }
      let played = index == place.stretch ? place.rowsPlayed : 0
      let isShortRest =
        stretch.sense == .rest && stretch.endMicroseconds - stretch.startMicroseconds <= PlayRequest.longestLook
      guard played > 0 || isShortRest else { return nil }
      passed += stretch.rows - played
      index += 1
    }
    return nil
  }

  private func refusal(of request: PlayRequest) -> String {
    let count = recording.stretches.count
    guard place.stretch < count else {
      return "the recording is over after \(count) stretches and \(recording.rows) readings; "
        + "switch the player off and on to begin anew"
    }
    var words = "asked for \(request.words), but the recording goes on with "
    if place.rowsPlayed > 0 {
      let left = recording.stretches[place.stretch].rows - place.rowsPlayed
      words += "\(left) more readings of "
    }
    words += described(place.stretch)
    if place.rowsPlayed > 0, place.stretch + 1 < count { words += ", then with " + described(place.stretch + 1) }
    return words
  }

  private func described(_ index: Int) -> String {
    let stretch = recording.stretches[index]
    let from = PlayRequest.digits(stretch.firstVoltage, places: 4)
    let to = PlayRequest.digits(stretch.lastVoltage, places: 4)
    let current = stretch.sense == .rest ? "" : " at \(PlayRequest.amperes(abs(stretch.meanCurrent))) on average"
    let seconds = PlayRequest.digits(stretch.seconds, places: 1)
    return "stretch \(index + 1) of \(recording.stretches.count) (line \(stretch.firstLine)): "
      + "\(stretch.isHold ? "a held voltage, " : "")\(stretch.sense)\(current) for \(seconds) s from \(from) V to \(to) V"
  }
}
