// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The host's side of a recording that is played as an instrument. The player answers to one question at a time and,
// once a set-point has begun, says reading after reading by itself; each line has a number, and the player waits when
// it is too far ahead of what was acknowledged. So whatever the speed, this side decides exactly up to which reading
// a set-point went.
//
// What ends a set-point is the recording's own end of a stretch (`RecordedEnd`); bounds are judged here at each
// reading.

public import CyclerModel
public import InstrumentKit
import Quantities

/// A recorded data file played as an instrument; its protocol is in Drivers/Replay/README.md.
public struct ReplayDriver: InstrumentDriver {
  /// What is under way on the line.
  enum Stage: Sendable, Hashable {
    /// There is no port.
    case closed
    /// The circuit is to be opened, whatever is under way.
    case securing
    /// Who is there?
    case asking
    /// Identified, and nothing under way.
    case idle
    /// It speaks another version of the protocol.
    case undrivable
    /// A set-point was asked for.
    case starting
    /// It has begun.
    case playing
    /// It is being stopped, to end so.
    case stopping(SetpointEnd)
    /// Its stretch is over and none of its cut-offs was the end. The host may have ends of its own, which the last
    /// reading may have met; if it says nothing, the set-point has failed.
    case awaitingHost(Fault)
  }

  /// A set-point under way.
  struct Active: Sendable {
    let setpoint: Setpoint
    /// Judges bounds and the moment at which a current becomes a hold; without cut-offs.
    var hosted: HostedSetpoint
    var end: RecordedEnd
    let isLook: Bool
    var hasBegun = false
    var isClosed = false
    /// Lines were lost since the last reading.
    var hasGap = false
    var stretch: Int64 = 0

    var isDriven: Bool { setpoint.mode != .openCircuit }
    var token: SetpointToken { setpoint.token }
    var lastTime: TimeSpan { end.last?.time ?? .zero }
  }

  /// How long an answer may take.
  static let patience = TimeSpan(seconds: 1)
  /// Unanswered so often in a row, the player is taken for gone.
  static let tolerableMisses = 3
  /// A player that has said nothing for so long is asked whether it is there: recorded readings may lie minutes apart.
  static let tolerableSilence = TimeSpan(seconds: 2)
  /// How long a host may take to say that a stretch ended by an end of its own.
  static let hostPatience = TimeSpan(seconds: 2)
  /// So many lines are acknowledged at once; a quarter of what the player sends ahead.
  static let acknowledgedAtOnce: Int64 = 64
  /// Damage on the line is told at most so often.
  static let garbageInterval = TimeSpan(seconds: 60)

  /// Lines that were none of the protocol's or did not arrive, since the port was opened.
  public internal(set) var damagedMessages = 0

  var stage = Stage.closed
  var now = HostInstant(microseconds: 0)
  var deadline: HostInstant?
  var misses = 0
  /// Whether it was asked whether it is there.
  var hasAskedWhetherThere = false
  /// The number of the last line; -1 before the first.
  var lastNumber: Int64 = -1
  /// The number of the last line that the set-point went along with.
  var taken: Int64 = -1
  var acknowledged: Int64 = -1
  var serial: String?
  var active: Active?
  /// A set-point of an earlier connection and the time to which it was played.
  var orphan: (token: SetpointToken, openedAt: TimeSpan)?
  var garbageToldAt: HostInstant?
  private var framer = LineFramer(maximumLength: PlayerLine.maximumLength)

  /// A driver that has seen nothing yet.
  public init() {}

  /// Takes one input; see `InstrumentDriver`.
  public mutating func handle(_ input: DriverInput, at now: HostInstant, into outputs: inout DriverOutputs) {
    self.now = now
    switch input {
    case .opened:
      self = ReplayDriver()
      self.now = now
      outputs.writes.append(UInt8(ascii: "\n"))
      ask(.securing, into: &outputs)
    case .bytes(let bytes): if stage != .closed { receive(bytes, into: &outputs) }
    case .tick: if let deadline, now >= deadline { miss(into: &outputs) }
    case .command(let channel, let command): obey(command, channel: channel, into: &outputs)
    case .lost:
      let wasIdentified = serial != nil
      self = ReplayDriver()
      if wasIdentified { outputs.events.append(.circuit(channel: 0, .unknown)) }
    }
    outputs.wakeAt = deadline
  }

  private mutating func receive(_ bytes: UnsafeRawBufferPointer, into outputs: inout DriverOutputs) {
    var offset = 0
    while true {
      switch framer.next(in: bytes, at: &offset) {
      case .line(let range): take(UnsafeRawBufferPointer(rebasing: bytes[range]), into: &outputs)
      case .assembled:
        var line: [UInt8] = []
        framer.exchangeAssembled(&line)
        line.withUnsafeBytes { take($0, into: &outputs) }
        framer.exchangeAssembled(&line)
      case .overlong: noteGarbage("a line of more than \(PlayerLine.maximumLength) bytes", lines: 1, into: &outputs)
      case .none: return
      }
    }
  }

  /// Tells of damage, once a minute at most and not before it is known who is there.
  mutating func noteGarbage(_ what: @autoclosure () -> String, lines: Int, into outputs: inout DriverOutputs) {
    damagedMessages += lines
    guard serial != nil, garbageToldAt.map({ now - $0 >= Self.garbageInterval }) ?? true else { return }
    garbageToldAt = now
    let detail = "\(what()); \(damagedMessages) lines were lost or damaged since the port was opened"
    outputs.events.append(.fault(channel: 0, Fault(.linkGarbage, detail)))
  }
}
