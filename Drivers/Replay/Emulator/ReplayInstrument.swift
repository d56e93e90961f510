// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A recording behind a serial line, as an instrument that does nothing of its own: it says what was measured when it is
// asked to go on as it went on. Written from Drivers/Replay/README.md and not from the driver.
//
// It never runs ahead of its host: after so many lines that nobody has acknowledged it waits, and its time with it.
// So at any speed a host can say up to which line it has gone along, and the recording goes on from there.

public import VirtualLab

/// A player of one recording.
///
/// It has one channel, and its time has nothing to do with the file's: a row is due so long after the set-point's
/// begin as it was recorded after the stretch's. `run` answers `.idle` while nothing plays and while it waits for its
/// host.
public struct ReplayInstrument: EmulatedInstrument {
  /// So many lines may be on their way without an acknowledgement.
  public static let window: Int64 = 256
  /// The longest line that is taken from a host, in bytes.
  private static let longestHeard = 128

  /// What is being played.
  struct Playing: Sendable {
    var request: PlayRequest
    /// Set-point time zero on the file's clock, in microseconds.
    var zero: Int64
    /// Set-point time zero on the player's clock; later by each time that it had to wait for its host.
    var base: Int64
    /// The number of the line that said it began.
    var firstLine: Int64
    /// Where the recording stood before.
    var before: PlayPlace
    /// Whether a hold followed its current.
    var hasContinued = false
    /// Whether its last row and its end were said.
    var isOver = false
  }

  /// What it plays.
  public let recording: Recording
  /// What it gives for its serial number: the recording's digest, and which of several players it is.
  public let serial: String
  /// Whether its answers stay away.
  public var isMute = false

  /// What is wrong with it.
  var fault: MeterFault?
  /// What the last row had that was played or shown, in volts.
  var lastVolts = 0.0
  /// What the last row of the present set-point had, in amperes.
  var lastAmperes = 0.0
  /// In microseconds since power-on.
  var clock: Int64 = 0
  var rows: RecordingRows
  /// The next row, if it was read already.
  var pending: RecordedRow?
  /// Whether `rows` stands where the recording stands.
  var isReaderThere = false
  var place = PlayPlace()
  var playing: Playing?
  /// How the last set-point was stopped, for a host that did not hear it.
  var lastStop: (token: [UInt8], time: Int64)?
  /// The number of the next line.
  var nextLine: Int64 = 0
  /// The number of the last line that the host took.
  var acknowledged: Int64 = -1
  /// The last line that was said.
  var lastSaid: [UInt8] = []
  /// Where the recording stood after each of the last lines.
  var marks: [PlayPlace]
  var answers: [UInt8] = []
  private var heard: [UInt8] = []
  private var isTooLong = false

  /// A player that was just switched on, at the recording's beginning.
  /// - Parameter number: Which of several players of the same recording it is, from 1; part of the serial number from the
  ///   second on.
  public init(_ recording: Recording, number: Int = 1) {
    self.recording = recording
    serial = number > 1 ? "\(recording.digest)-\(number)" : recording.digest
    rows = recording.reader
    marks = [PlayPlace](repeating: PlayPlace(), count: 2 * Int(Self.window))
    switchOn()
  }

  /// Seconds since power-on.
  public var time: Double { Double(clock) / 1e6 }

  /// Nil: while nobody hears it, it waits.
  public var hostDeadline: Double? { nil }

  /// Whether rows are to come.
  public var isPlaying: Bool { playing.map { !$0.isOver } ?? false }

  /// How many rows were played, up to the recording's present place.
  public var rowsPlayed: Int {
    recording.stretches.prefix(place.stretch).reduce(0) { $0 + $1.rows } + place.rowsPlayed
  }

  /// Power is cut and comes back: the recording begins anew.
  public mutating func powerCycle() {
    playing = nil
    lastStop = nil
    pending = nil
    isReaderThere = false
    heard.removeAll()
    answers.removeAll()
    isTooLong = false
    nextLine = 0
    acknowledged = -1
    switchOn()
  }

  /// The half-cycles of the whole recording, whatever was played of it; the instrument has channel 0 only.
  public func cellTruth(channel: Int) -> CellTruth { channel == 0 ? recording.truth : CellTruth() }

  private mutating func switchOn() {
    place = PlayPlace()
    place.offset = recording.stretches[0].offset
    place.line = recording.stretches[0].firstLine
    lastVolts = recording.stretches[0].firstVoltage
    sayIdentity()
  }

  // MARK: - Time

  /// Lets time pass until `limit`, as long as rows are to come and the host goes along.
  public mutating func run(until limit: Double, output: inout [UInt8], outputLimit: Int) -> EmulatorPause {
    output.append(contentsOf: answers)
    answers.removeAll(keepingCapacity: true)
    defer { if isMute { output.removeAll() } }
    return play(until: Self.microseconds(limit), &output, outputLimit)
  }

  /// Lets time pass while nothing plays.
  public mutating func rest(until limit: Double) { clock = max(clock, Self.microseconds(limit)) }

  private static func microseconds(_ seconds: Double) -> Int64 {
    guard seconds > 0 else { return 0 }
    return seconds < 9.2e12 ? Int64((seconds * 1e6).rounded()) : Int64.max / 2
  }

  // MARK: - Bytes

  /// Takes bytes, in whatever pieces they come. Carriage returns are left out.
  public mutating func receive(_ bytes: UnsafeRawBufferPointer) {
    for byte in bytes {
      if byte == UInt8(ascii: "\n") {
        if !isTooLong { obey(heard) }
        heard.removeAll(keepingCapacity: true)
        isTooLong = false
      } else if byte != UInt8(ascii: "\r") {
        if heard.count < Self.longestHeard { heard.append(byte) } else { isTooLong = true }
      }
    }
  }

  /// Says a line under the next number, at once.
  mutating func say(_ body: String) {
    var said: [UInt8] = []
    swap(&said, &answers)
    let start = said.count
    WireLine.append(nextLine, to: &said)
    said.append(UInt8(ascii: " "))
    said.append(contentsOf: body.utf8)
    finishLine(&said, from: start)
    swap(&said, &answers)
  }

  /// The line that begins at `start` is complete but for its checksum.
  mutating func finishLine(_ output: inout [UInt8], from start: Int) {
    WireLine.close(&output, from: start)
    lastSaid.removeAll(keepingCapacity: true)
    lastSaid.append(contentsOf: output[start...])
    marks[Int(nextLine % Int64(marks.count))] = place
    nextLine += 1
  }

  mutating func sayIdentity() { say("I \(recording.name) \(serial) 1 \(recording.stretches.count) \(recording.rows)") }
}
