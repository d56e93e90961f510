// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The instrument's side of the line, written from its firmware's published sources: registers, the turn of the
// measurements, the watchdog, the loop. It knows nothing of any host.

public import VirtualLab

/// An emulated Batlab with four circuits.
public struct BatlabInstrument: EmulatedInstrument {
  /// A register, for the faults that a test makes.
  public struct Place: Sendable, Hashable {
    /// 0 to 3 cells, 4 the unit.
    public var space: UInt8
    /// Its number.
    public var number: UInt8
    /// A register.
    public init(space: UInt8, number: UInt8) {
      self.space = space
      self.number = number
    }
  }

  /// A turn of the loop. Unverified: nobody measured it.
  private static let loopTime: Int64 = 1_000_000
  /// From a packet's last byte to its answer: two times five bytes at 38400 bits per second, and a loop. Unverified.
  private static let answerTime: Int64 = 4_000_000
  /// 1024 conversions at 10 kHz.
  private static let sliceTime: Int64 = 102_400_000
  /// The system timer.
  private static let tickTime: Int64 = 100_000_000

  /// Whether it answers at all.
  public var isMute = false
  /// Writes to these are acknowledged and not executed.
  public var ignoredWrites: Set<Place> = []
  /// Writes to these are answered with an error.
  public var refusedWrites: Set<Place> = []
  /// Whether the external supply is there.
  public var hasSupply = true
  /// Whether it is in its boot loader, which does not know the application's registers. Unverified.
  public var isInBootLoader = false

  var circuits: [CellCircuit]
  private var unit: [UInt16]
  private var storedThreshold: UInt16 = 2_000
  private let serial: UInt32
  private let firmware: UInt16
  private var clock: Int64 = 0
  private var slice = 0
  private var sliceEndsAt = sliceTime
  private var tickAt = tickTime
  private var received: [UInt8] = []
  private var packets: [(packet: [UInt8], due: Int64)] = []
  private var hasPaused = false

  /// An instrument that was just switched on.
  ///
  /// - Parameters:
  ///   - serial: its serial number.
  ///   - firmware: its firmware's number; 7 is the last that was published.
  ///   - cells: at most four; where none is, it sees none.
  ///   - currentGain: amperes that flow for each that is asked for.
  ///   - plateauThresholdVolts: charge below that voltage is counted as plateau charge in the truth; nil counts none.
  public init(
    serial: UInt32, firmware: UInt16 = 7, cells: [(any VirtualCell)?], currentGain: Double = 1,
    plateauThresholdVolts: Double? = nil
  ) {
    self.serial = serial
    self.firmware = firmware
    circuits = (0..<4).map { index in
      CellCircuit(
        cell: index < cells.count ? cells[index] : nil, gain: currentGain, plateauThreshold: plateauThresholdVolts)
    }
    unit = Self.unitDefaults(serial, firmware, storedThreshold)
    judge()
  }

  private static func unitDefaults(_ serial: UInt32, _ firmware: UInt16, _ threshold: UInt16) -> [UInt16] {
    var unit = [UInt16](repeating: 0, count: 0x12)
    unit[0x00] = UInt16(truncatingIfNeeded: serial)
    unit[0x01] = UInt16(truncatingIfNeeded: serial >> 16)
    unit[0x02] = firmware
    unit[0x03] = 26_844
    unit[0x04] = 1
    unit[0x07] = 16
    unit[0x08] = 2
    unit[0x10] = threshold
    unit[0x11] = 255
    return unit
  }

  /// Virtual seconds since power-on.
  public var time: Double { Double(clock) / 1e9 }

  /// The tick at which the watchdog ends a current; nil when it is off or none flows.
  public var hostDeadline: Double? { deadline.map { Double($0) / 1e9 } }

  private var deadline: Int64? {
    guard unit[0x06] & 0x0004 != 0, isDriven else { return nil }
    return tickAt + Int64(unit[0x11]) * Self.tickTime
  }

  private var isDriven: Bool { circuits.contains { $0.isDriven || $0.duty > 0 } }

  /// Whether a circuit drives its cell.
  public func isDriven(channel: Int) -> Bool { circuits[channel].isDriven }

  /// A register's value, for tests.
  public func register(_ place: Place) -> UInt16 {
    place.space == 4 ? unit[Int(place.number)] : circuits[Int(place.space)].registers[Int(place.number)]
  }

  /// What passed through the cell's terminals up to now.
  public func cellTruth(channel: Int) -> CellTruth {
    circuits.indices.contains(channel) ? circuits[channel].recorder.truth : CellTruth()
  }

  /// Power is cut and comes back; only the threshold for zero survives.
  public mutating func powerCycle() {
    received.removeAll()
    packets.removeAll()
    unit = Self.unitDefaults(serial, firmware, storedThreshold)
    for index in circuits.indices {
      circuits[index].registers = CellCircuit.defaults
      circuits[index].duty = 0
      circuits[index].measureAtOnce()
    }
    judge()
  }

  // MARK: - Time

  /// Lets virtual time pass; see `EmulatedInstrument`.
  public mutating func run(until limit: Double, output: inout [UInt8], outputLimit: Int) -> EmulatorPause {
    let end = Int64((limit * 1e9).rounded())
    while clock < end {
      if packets.isEmpty, !isDriven { return .idle }
      let next = nextEvent(before: end)
      if let deadline, next >= deadline, !hasPaused {
        hasPaused = true
        return .hostDeadline
      }
      pass(to: next, &output)
      if output.count >= outputLimit { return .outputFull }
    }
    return .reachedLimit
  }

  /// Lets virtual time pass while nothing flows.
  public mutating func rest(until limit: Double) {
    let end = Int64((limit * 1e9).rounded())
    var nothing: [UInt8] = []
    while clock < end { pass(to: nextEvent(before: end), &nothing) }
  }

  private func nextEvent(before end: Int64) -> Int64 {
    var next = min(end, min(sliceEndsAt, tickAt))
    if let due = packets.first?.due { next = min(next, max(due, clock)) }
    if circuits.contains(where: \.isMoving) { next = min(next, clock + Self.loopTime) }
    return next
  }

  private mutating func pass(to next: Int64, _ output: inout [UInt8]) {
    let seconds = Double(next - clock) / 1e9
    for index in circuits.indices { circuits[index].pass(seconds, from: time, isMeasured: index == slice) }
    clock = next
    if clock >= sliceEndsAt { endSlice() }
    if clock >= tickAt { tick(&output) }
    while let first = packets.first, first.due <= clock {
      packets.removeFirst()
      answer(first.packet, &output)
    }
    judge()
    for index in circuits.indices where circuits[index].isMoving { circuits[index].turn() }
  }

  private mutating func endSlice() {
    if slice < 4 {
      circuits[slice].latch(sliceSeconds: Double(Self.sliceTime) / 1e9, zeroAmpereThreshold: unit[0x10])
    }
    slice = (slice + 1) % 6
    sliceEndsAt += Self.sliceTime
  }

  private mutating func tick(_ output: inout [UInt8]) {
    tickAt += Self.tickTime
    unit[0x05] &+= 1
    if unit[0x06] & 0x0004 != 0 {
      if unit[0x11] > 0 {
        unit[0x11] -= 1
      } else {
        for index in circuits.indices {
          circuits[index].mode = 6
          circuits[index].duty = 0
        }
      }
    }
    for index in circuits.indices { stream(index, &output) }
  }

  private mutating func judge() {
    for index in circuits.indices { circuits[index].judge(settings: unit[0x06], hasSupply: hasSupply) }
  }

  private mutating func stream(_ index: Int, _ output: inout [UInt8]) {
    let registers = circuits[index].registers
    guard !isMute, registers[0x04] > 0, unit[0x05] &- circuits[index].lastStreamAt > registers[0x04] else { return }
    circuits[index].lastStreamAt = unit[0x05]
    output.append(contentsOf: [0xAF, UInt8(index), 0])
    for number in [0x00, 0x02, 0x05, 0x06, 0x07] {
      output.append(UInt8(truncatingIfNeeded: registers[number]))
      output.append(UInt8(truncatingIfNeeded: registers[number] >> 8))
    }
  }

  // MARK: - Packets

  /// Bytes came from the host.
  public mutating func receive(_ bytes: UnsafeRawBufferPointer) {
    hasPaused = false
    guard !isMute else { return }
    received.append(contentsOf: bytes)
    while received.count >= 5 {
      if received[0] != 0xAA {
        received.removeFirst()
        continue
      }
      let due = max(clock, packets.last?.due ?? clock) + Self.answerTime
      packets.append((Array(received.prefix(5)), due))
      received.removeFirst(5)
    }
  }

  private mutating func answer(_ packet: [UInt8], _ output: inout [UInt8]) {
    guard !isMute, packet[1] != 0xFF, !isInBootLoader || packet[1] == 5 else { return }
    let place = Place(space: packet[1], number: packet[2] & 0x7F)
    let value = UInt16(packet[4]) << 8 | UInt16(packet[3])
    var answered: UInt16 = 0x0101
    if isInBootLoader {
      answered = 0
    } else if packet[2] & 0x80 != 0 {
      if isWritable(place) {
        answered = 0
        if !ignoredWrites.contains(place), !isLying(place) { write(value, to: place) }
      }
    } else if place.space == 4, place.number < 0x12 {
      answered = unit[Int(place.number)]
    } else if place.space < 4, place.number < CellCircuit.registerCount {
      answered = circuits[Int(place.space)].registers[Int(place.number)]
    }
    output.append(contentsOf: packet.prefix(3))
    output.append(UInt8(truncatingIfNeeded: answered))
    output.append(UInt8(truncatingIfNeeded: answered >> 8))
  }

  private func isWritable(_ place: Place) -> Bool {
    if refusedWrites.contains(place) || isRefusing(place) { return false }
    if place.space < 4 { return place.number < CellCircuit.registerCount }
    // Serial numbers only before they are set; the rest is read-only.
    return place.space == 4
      && [0x04, 0x06, 0x07, 0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x11].contains(place.number)
  }

  private mutating func write(_ value: UInt16, to place: Place) {
    if place.space == 4 {
      unit[Int(place.number)] = value
      if place.number == 0x10 { storedThreshold = value }
      return
    }
    let index = Int(place.space)
    // Any write to one of the two charge registers clears both; the value is stored after that, as the firmware does.
    if place.number == 0x08 || place.number == 0x09 {
      circuits[index].registers[0x08] = 0
      circuits[index].registers[0x09] = 0
    }
    circuits[index].registers[Int(place.number)] = value
  }
}
