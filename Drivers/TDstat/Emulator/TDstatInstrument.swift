// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The instrument's side of the cable, from the sources of its firmware: a packet is a command, and is answered by a packet;
// two converters that begin when they are read; a converter at the output; relays. It knows nothing of any host and stops for
// nobody. What the amplifiers do at their ends is not in those sources and is assumed.

public import VirtualLab

/// A TDstatv3 or MYSTAT with a cell at its leads.
public struct TDstatInstrument: EmulatedInstrument {
  /// Seconds from a packet to its answer. Unverified: nobody measured it.
  static let answerTime = 0.001
  /// Bytes in a packet.
  private static let packetSize = 64
  /// An amplifier goes so far beyond its range and no farther. Unverified.
  private static let headroom = 1.05
  /// The cell is looked at at least so often while it is connected, in seconds.
  private static let step = 0.02

  /// A packet of the host.
  private struct Packet: Sendable, Hashable {
    var bytes: [UInt8]
    var arrivedAt: Double
    var due: Double
    var hasBegun = false
  }

  /// A conversion under way, or done and not read.
  private struct Running: Sendable, Hashable {
    var beganAt: Double
    var charge: Double
    var voltSeconds: Double
    /// What it found, once it is done.
    var result: [UInt8]?
  }

  /// The board; what is stored in it changes when the host says so.
  public private(set) var board: TDstatBoard
  /// Whether it neither hears nor says anything.
  public var isMute = false
  /// Commands, by their words (`CELL ON`, `RANGE`, `DACSET`), that it acknowledges and does not carry out.
  public var ignored: Set<String> = []
  /// Commands that it does not know.
  public var unknown: Set<String> = []
  /// Whether its converters never end.
  public var hasStuckConverters = false
  /// Whether the sense leads are off: then the voltage's converter is at its end. Unverified.
  public var hasSenseLeadOff = false
  /// Seconds since it was switched on first.
  public private(set) var time = 0.0
  /// The cell.
  public private(set) var cell: any VirtualCell
  /// Whether the cell is connected.
  public private(set) var isClosed = false
  /// Whether it regulates a current; a voltage otherwise.
  public private(set) var isGalvanostatic = false
  /// The selected range, from 1.
  public private(set) var range = 1
  /// The output's code, 0 to 2^20 - 1.
  public private(set) var outputCode = 1 << 19

  /// What is wrong with it.
  var fault: MeterFault?
  private var packets: [Packet] = []
  private var running: Running?
  private var voltSeconds = 0.0
  private var ledger: CellLedger

  /// An instrument that was just switched on.
  ///
  /// - Parameters:
  ///   - board: which one, its errors and its memory.
  ///   - cell: what its leads are at.
  ///   - plateauThreshold: volts; charge below is counted as plateau charge in the truth, nil counts none.
  public init(board: TDstatBoard = TDstatBoard(), cell: any VirtualCell, plateauThreshold: Double? = nil) {
    self.board = board
    self.cell = cell
    ledger = CellLedger(plateauThreshold: plateauThreshold)
  }

  /// What has passed through the cell.
  public func cellTruth(channel: Int) -> CellTruth { ledger.truth }

  /// It ends nothing by itself.
  public var hostDeadline: Double? { nil }

  /// It wakes up as a potentiostat at zero in its largest range, with the cell disconnected.
  public mutating func powerCycle() {
    isClosed = false
    isGalvanostatic = false
    range = 1
    outputCode = 1 << 19
    packets = []
    running = nil
  }

  // MARK: - Packets

  /// Bytes of the host: a packet. One that goes on where another of the same millisecond was cut off belongs to it.
  public mutating func receive(_ bytes: UnsafeRawBufferPointer) {
    guard !isMute else { return }
    for start in stride(from: 0, to: bytes.count, by: Self.packetSize) {
      let piece = Array(bytes[start..<min(start + Self.packetSize, bytes.count)])
      if let last = packets.last, !last.hasBegun, time - last.arrivedAt < Self.answerTime,
        FirmwareCommand.canBegin(with: last.bytes + piece, on: board)
      {
        packets[packets.count - 1].bytes += piece
      } else {
        packets.append(Packet(bytes: piece, arrivedAt: time, due: max(time, packets.last?.due ?? 0) + Self.answerTime))
      }
    }
  }

  private mutating func work(_ output: inout [UInt8]) {
    let command = FirmwareCommand(packets[0].bytes, on: board)
    if let command, !packets[0].hasBegun, command.seconds > 0 {
      packets[0].hasBegun = true
      for place in packets.indices { packets[place].due += command.seconds }
      return
    }
    packets.removeFirst()
    let answer =
      if let command, !unknown.contains(command.name), !isRefused(command) { obey(command) } else { Array("?".utf8) }
    if !isMute { output.append(contentsOf: answer) }
  }

  private mutating func obey(_ command: FirmwareCommand) -> [UInt8] {
    switch command {
    case .readConverters: return readConverters()
    case .readOffsets: return board.storedOffsets
    case .readOutputCalibration: return board.storedOutput
    case .readShunts: return board.storedShunts
    case .cellOn, .cellOff, .potentiostatic, .galvanostatic, .range, .setOutput, .calibrateOutput, .saveOffsets,
      .setOutputCalibration, .saveShunts:
      if !ignored.contains(command.name), fault?.kind != .liar { change(command) }
      return Array("OK".utf8)
    }
  }

  private mutating func change(_ command: FirmwareCommand) {
    switch command {
    case .cellOn: isClosed = true
    case .cellOff: isClosed = false
    case .potentiostatic: isGalvanostatic = false
    case .galvanostatic: isGalvanostatic = true
    case .range(let number): range = number
    case .setOutput(let bytes): outputCode = Int(bytes[0]) << 12 | Int(bytes[1]) << 4 | Int(bytes[2]) >> 4
    case .calibrateOutput: board.storedOutput = [0, 0, 0, 0x80, 0, 0]
    case .saveOffsets(let bytes): board.storedOffsets = bytes
    case .setOutputCalibration(let bytes): board.storedOutput = bytes
    case .saveShunts(let bytes): board.storedShunts = bytes
    case .readConverters, .readOffsets, .readOutputCalibration, .readShunts: break
    }
  }

  // MARK: - Converters

  /// Hands over what both have found and begins anew; a conversion that nobody has begun yet begins now.
  private mutating func readConverters() -> [UInt8] {
    let result = running?.result
    if running == nil || result != nil {
      running = Running(beganAt: time, charge: cell.terminalCharge, voltSeconds: voltSeconds)
    }
    return result ?? Array("WAIT".utf8)
  }

  private var conversionEnd: Double? {
    guard let running, running.result == nil, !hasStuckConverters else { return nil }
    return running.beganAt + board.conversionSeconds
  }

  /// What both have seen on average.
  private mutating func endConversion() {
    guard let running, running.result == nil, time > running.beganAt else { return }
    let seconds = time - running.beganAt
    let volts = hasSenseLeadOff ? 1.1 * board.fullScaleVolts : (voltSeconds - running.voltSeconds) / seconds
    let amperes = (cell.terminalCharge - running.charge) / seconds
    let shown = shown(volts: volts, amperes: amperes)
    self.running?.result =
      ConverterResult.bytes(share: shown.volts / board.fullScaleVolts, offset: board.voltageOffset)
      + ConverterResult.bytes(share: shown.amperes / board.fullScaleAmperes(range: range), offset: board.currentOffset)
  }

  // MARK: - The analogue half

  /// What the output's code asks for, as a share of full scale.
  private func share(offset: Int) -> Double {
    let correction = board.outputCorrection
    return Double(outputCode - (1 << 19)) / Double(1 << 19) * correction.gain + correction.offset
      - Double(offset) / Double(ConverterResult.fullScale)
  }

  var drive: CellDrive {
    guard isClosed else { return .open }
    let fullScale = board.fullScaleAmperes(range: range)
    let end = board.fullScaleVolts * Self.headroom
    if isGalvanostatic {
      let amperes = share(offset: board.currentOffset) * fullScale
      let volts = cell.voltage(under: .current(amperes))
      return volts.magnitude <= end
        ? .current(amperes) : .voltage(volts < 0 ? -end : end, currentLimit: amperes.magnitude)
    }
    // Without its sense leads the loop is open, and goes to its end. Unverified.
    let volts = hasSenseLeadOff ? -end : share(offset: board.voltageOffset) * board.fullScaleVolts
    return .voltage(min(max(volts, -end), end), currentLimit: fullScale * Self.headroom)
  }

  // MARK: - Time

  /// Lets time pass until the next answer, or until `limit`.
  public mutating func run(until limit: Double, output: inout [UInt8], outputLimit: Int) -> EmulatorPause {
    while true {
      if output.count >= outputLimit { return .outputFull }
      guard let due = packets.first?.due else { return .idle }
      guard due <= limit else {
        pass(to: limit)
        return .reachedLimit
      }
      pass(to: due)
      work(&output)
    }
  }

  /// Lets time pass as it is: what is connected stays connected.
  public mutating func rest(until limit: Double) { pass(to: limit) }

  private mutating func pass(to moment: Double) {
    while time < moment {
      var end = min(moment, time + (isClosed ? Self.step : 60))
      if let conversionEnd { end = min(end, max(conversionEnd, time)) }
      let drive = drive
      let before = cell
      cell.advance(seconds: end - time, drive: drive)
      let (from, to) = (before.voltage(under: drive), cell.voltage(under: drive))
      ledger.enter(from: before, from, at: time, to: cell, to, at: end)
      voltSeconds += (from + to) / 2 * (end - time)
      time = end
      if let conversionEnd, conversionEnd <= time { endConversion() }
    }
  }
}
