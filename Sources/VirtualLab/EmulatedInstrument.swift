// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The border between an instrument's emulator, which knows a wire protocol and virtual time, and the bench, which
// knows ptys and real time. Neither knows the other's half.

/// An instrument that exists in arithmetic only, wired to one virtual cell a channel.
public protocol EmulatedInstrument: Sendable {
  /// Bytes came from the host. Never blocks and lets no virtual time pass.
  mutating func receive(_ bytes: UnsafeRawBufferPointer)

  /// Lets virtual time pass until `limit` (seconds since power-on) and appends what the instrument sends to `output`.
  ///
  /// Returns early, without having passed its own `hostDeadline`, when `output` holds `outputLimit` bytes or more, or
  /// when it has nothing to do but wait for the host.
  mutating func run(until limit: Double, output: inout [UInt8], outputLimit: Int) -> EmulatorPause

  /// Lets virtual time pass until `limit` (seconds since power-on) while `run` answers `.idle`, and the cells rest or
  /// stay as they were left. `run` itself never moves the time of an idle instrument, so that a bench at greatest speed
  /// can let it stand still.
  mutating func rest(until limit: Double)

  /// Virtual seconds since power-on.
  var time: Double { get }

  /// The virtual moment at which something will happen that a byte from the host could still prevent, such as the end
  /// of a lease; nil when there is none. At greatest speed the bench lets the host catch up before it passes it.
  var hostDeadline: Double? { get }

  /// Power is cut and comes back: whatever ran is gone, the cells are disconnected and keep their state.
  mutating func powerCycle()

  /// What has passed through each cell's terminals so far, for the truth that the host never sees.
  func cellTruth(channel: Int) -> CellTruth

  /// What a channel does to its cell at this moment, for the truth that the host never sees; nil for a channel that there
  /// is not.
  func terminals(channel: Int) -> TerminalState?

  /// Lets a channel misbehave from now on, or behave again (nil). False, and nothing changed, where neither the instrument nor
  /// its protocol has such a thing.
  mutating func misbehave(_ kind: Misbehaviour?, channel: Int) -> Bool
}

extension EmulatedInstrument {
  /// An instrument whose `run` passes idle time by itself needs no more.
  public mutating func rest(until limit: Double) {}

  /// Not said.
  public func terminals(channel: Int) -> TerminalState? { nil }

  /// Not emulated; behaving it always does.
  public mutating func misbehave(_ kind: Misbehaviour?, channel: Int) -> Bool { kind == nil }
}

/// What is at a cell's terminals at a moment.
public struct TerminalState: Sendable, Hashable {
  /// Whether current could flow: the cell is connected to something that drives it.
  public var isClosed: Bool
  /// Volts across the cell.
  public var volts: Double
  /// Amperes through it, positive charging.
  public var amperes: Double
  /// A state.
  public init(isClosed: Bool, volts: Double, amperes: Double) {
    self.isClosed = isClosed
    self.volts = volts
    self.amperes = amperes
  }

  /// A cell under a drive.
  public init(_ cell: any VirtualCell, under drive: CellDrive) {
    self.init(isClosed: drive != .open, volts: cell.voltage(under: drive), amperes: cell.current(under: drive))
  }
}

/// Why an emulator returned from `run`.
public enum EmulatorPause: Sendable, Hashable {
  /// Virtual time reached the limit.
  case reachedLimit
  /// The output is full.
  case outputFull
  /// Nothing runs; only bytes from the host can change that. Virtual time may be moved to the limit by the bench,
  /// with `rest(until:)`.
  case idle
  /// The next instruction would reach `hostDeadline`, and the limit lies at it or beyond. Said once for each deadline: the next
  /// `run` passes it.
  case hostDeadline
}

/// What passed through a cell's terminals.
public struct CellTruth: Sendable, Hashable {
  /// One maximal run of same-sign terminal current, rests in it not counted.
  public struct HalfCycle: Sendable, Hashable {
    /// 1 charging, -1 discharging.
    public var direction: Int
    /// Coulombs through the terminals, a magnitude.
    public var terminalCharge: Double
    /// Coulombs lost to side reactions meanwhile, a magnitude.
    public var lostCharge: Double
    /// Joules through the terminals, a magnitude.
    public var terminalEnergy: Double
    /// Coulombs that flowed while the terminal voltage was below the plateau threshold that the bench was told.
    public var plateauCharge: Double
    /// Virtual seconds since power-on at its first current.
    public var startedAt: Double
    /// Virtual seconds since power-on at its last current.
    public var endedAt: Double
    /// A half-cycle.
    public init(
      direction: Int, terminalCharge: Double, lostCharge: Double, terminalEnergy: Double, plateauCharge: Double,
      startedAt: Double, endedAt: Double
    ) {
      self.direction = direction
      self.terminalCharge = terminalCharge
      self.lostCharge = lostCharge
      self.terminalEnergy = terminalEnergy
      self.plateauCharge = plateauCharge
      self.startedAt = startedAt
      self.endedAt = endedAt
    }
  }
  /// Those that have been followed by current of the opposite sign.
  public var closed: [HalfCycle]
  /// The one that the cell is in, or nil before the first current.
  public var open: HalfCycle?
  /// A truth.
  public init(closed: [HalfCycle] = [], open: HalfCycle? = nil) {
    self.closed = closed
    self.open = open
  }
}
