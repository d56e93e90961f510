// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The form in which the bench tells what really happened, over the control socket and in the files that it leaves.

internal import FoundationEssentials
internal import VirtualLab

/// What passed through one cell's terminals.
public struct Truth: Sendable, Codable, Equatable {
  /// One maximal run of current of one direction.
  public struct HalfCycle: Sendable, Codable, Equatable {
    /// Counts from 1.
    public var number: Int
    /// `charge` or `discharge`.
    public var direction: String
    /// Coulombs through the terminals, a magnitude.
    public var terminalCharge: Double
    /// Coulombs of side reactions meanwhile.
    public var lostCharge: Double
    /// Joules through the terminals, a magnitude.
    public var energy: Double
    /// Coulombs below the plateau threshold.
    public var plateauCharge: Double
    /// Virtual seconds since power-on at the first current.
    public var startedAt: Double
    /// Virtual seconds since power-on at the last current.
    public var endedAt: Double
    /// `closed` when current of the other direction followed, otherwise `open`.
    public var state: String

    private enum CodingKeys: String, CodingKey {
      case number, direction, state
      case terminalCharge = "terminal_charge_c"
      case lostCharge = "lost_charge_c"
      case energy = "energy_j"
      case plateauCharge = "plateau_charge_c"
      case startedAt = "started_at_s"
      case endedAt = "ended_at_s"
    }
  }
  /// The instrument's name, such as `emstat4-hr-1`.
  public var instrument: String
  /// Its serial number.
  public var serial: String
  /// Which of its cells, from 1; nil for an instrument with one.
  public var channel: Int?
  /// The preset of the cell.
  public var cell: String
  /// Virtual seconds since power-on.
  public var time: Double
  /// All half-cycles, in order.
  public var halfCycles: [HalfCycle]

  private enum CodingKeys: String, CodingKey {
    case instrument, serial, channel, cell
    case time = "virtual_time_s"
    case halfCycles = "half_cycles"
  }

  init(instrument: String, serial: String, channel: Int?, cell: String, time: Double, truth: CellTruth) {
    self.instrument = instrument
    self.serial = serial
    self.channel = channel
    self.cell = cell
    self.time = time
    let all = truth.closed.map { ($0, "closed") } + (truth.open.map { [($0, "open")] } ?? [])
    halfCycles = all.enumerated().map { index, entry in
      let (halfCycle, state) = entry
      return HalfCycle(
        number: index + 1, direction: halfCycle.direction > 0 ? "charge" : "discharge",
        terminalCharge: halfCycle.terminalCharge, lostCharge: halfCycle.lostCharge, energy: halfCycle.terminalEnergy,
        plateauCharge: halfCycle.plateauCharge, startedAt: halfCycle.startedAt, endedAt: halfCycle.endedAt,
        state: state)
    }
  }
}

/// How one instrument on the bench is at the moment.
public struct SeatStatus: Sendable, Codable, Equatable {
  /// Its name, such as `emstat4-hr-1`.
  public var instrument: String
  /// Its serial number.
  public var serial: String
  /// The preset of its cell.
  public var cell: String
  /// Virtual seconds since power-on.
  public var time: Double
  /// `connected`, `link-lost`, `power-lost` or `mute`.
  public var condition: String

  private enum CodingKeys: String, CodingKey {
    case instrument, serial, cell, condition
    case time = "virtual_time_s"
  }
}

/// One line of JSON.
func jsonLine(_ value: some Encodable) throws -> [UInt8] {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys]
  return [UInt8](try encoder.encode(value)) + [UInt8(ascii: "\n")]
}
