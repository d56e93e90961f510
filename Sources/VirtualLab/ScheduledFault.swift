// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// What a line does to the bytes that an instrument sends, or to those that it should hear. A reply is what the instrument
/// sends at one moment.
public enum LineFault: Sendable, Hashable {
  /// Nothing arrives of what it sends; it hears and goes on.
  case mute
  /// It does not read what the host writes, until the fault is over; then it reads all that the line could hold.
  case stall
  /// So many random bytes a second between the others, and this share of its own bytes, from 0 to 1, replaced by such.
  case garbage(bytesPerSecond: Double, replacing: Double)
  /// So many bytes a second.
  case slow(bytesPerSecond: Double)
  /// Each reply so many seconds late, in order.
  case late(seconds: Double)
  /// What is sent within so many seconds of the first byte arrives in one piece.
  case glued(seconds: Double)
  /// Each reply in two pieces, the first of so many bytes; 0 for each byte by itself.
  case split(at: Int)
  /// Of each reply only so many bytes; a number beyond its length leaves it whole.
  case truncated(at: Int)
  /// The byte at that place of each reply is another one; one beyond its length leaves it whole.
  case corrupted(at: Int, byte: UInt8)
  /// Each reply twice.
  case duplicated
  /// Bytes of somebody else in the middle of each reply, before its byte at that place or, beyond its length, behind it.
  case interleaved([UInt8], at: Int)

  /// Whether it is about when bytes pass, and not about which.
  var isTimed: Bool {
    switch self {
    case .mute, .stall, .garbage, .slow, .late, .glued: true
    case .split, .truncated, .corrupted, .duplicated, .interleaved: false
    }
  }

  /// Its name, as people write it.
  public var name: String {
    switch self {
    case .mute: "mute"
    case .stall: "stall"
    case .garbage: "garbage"
    case .slow: "slow"
    case .late: "late"
    case .glued: "glued"
    case .split: "split"
    case .truncated: "truncated"
    case .corrupted: "corrupted"
    case .duplicated: "duplicated"
    case .interleaved: "interleaved"
    }
  }
}

/// A fault and when it happens.
public struct ScheduledFault: Sendable, Hashable {
  /// What happens.
  public enum Kind: Sendable, Hashable {
    /// On the line.
    case line(LineFault)
    /// In the instrument.
    case instrument(Misbehaviour)
    /// The line hangs up; the instrument goes on.
    case disconnect
    /// Its power is cut for that time; the line hangs up.
    case reboot

    /// Its name, as people write it.
    public var name: String {
      switch self {
      case .line(let fault): fault.name
      case .instrument(let kind): kind.name
      case .disconnect: "disconnect"
      case .reboot: "reboot"
      }
    }
  }

  /// When it begins.
  public enum Begin: Sendable, Hashable {
    /// At so many virtual seconds since power-on.
    case time(Double)
    /// When its channel closes its circuit the n-th time, counted from 1.
    case closing(Int)
    /// With the reply of that number, counted from 0.
    case reply(Int)
  }

  /// What happens.
  public var kind: Kind
  /// When.
  public var begin: Begin
  /// For so many virtual seconds; infinite for one that stays.
  public var seconds: Double
  /// For so many replies at most; nil when replies do not end it.
  public var replies: Int?
  /// To which channel of the instrument, from 0, where channels differ; and whose closings count.
  public var channel: Int

  /// A fault.
  public init(_ kind: Kind, _ begin: Begin, seconds: Double = .infinity, replies: Int? = nil, channel: Int = 0) {
    self.kind = kind
    self.begin = begin
    self.seconds = seconds
    self.replies = replies
    self.channel = channel
  }
}

/// What a fault asks of whoever holds the line.
public struct LinkOrder: Sendable, Hashable {
  /// Whether the instrument lost its power too; it has been cycled already.
  public var isReboot: Bool
  /// For so many virtual seconds.
  public var seconds: Double
}
