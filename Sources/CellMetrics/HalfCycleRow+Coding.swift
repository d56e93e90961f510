// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CyclerModel
internal import Quantities

// A closed half-cycle waits in the checkpoint for the other half of its cycle.
extension HalfCycleRow {
  /// Changes nothing; `mutating`, so that a row in an optional is read where it stands.
  mutating func encode(into writer: inout ByteWriter) {
    writer.write(halfCycleID)
    writer.write(run)
    writer.write(number)
    writer.write(cycleNumber)
    writer.write(direction.rawValue)
    writer.writeText(purpose?.rawValue)
    writer.writeText(label)
    writer.write(charge.nanocoulombs)
    writer.write(reverseCharge.nanocoulombs)
    writer.write(energy.nanojoules)
    writer.write(constantVoltageCharge.nanocoulombs)
    writer.write(plateauCharge?.nanocoulombs)
    writer.write(gapCharge?.nanocoulombs)
    writer.writeText(endReason)
    writer.write(flags.rawValue)
  }

  /// What came later than the rest.
  mutating func encodeConditions(into writer: inout ByteWriter) {
    writer.write(activeTime?.microseconds)
    writer.write(endVoltage?.nanovolts)
    writer.write(endNetCharge?.nanocoulombs)
  }

  mutating func decodeConditions(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    activeTime = try reader.readOptional(Int64.self).map(TimeSpan.init(microseconds:))
    endVoltage = try reader.readOptional(Int64.self).map(Voltage.init(nanovolts:))
    endNetCharge = try reader.readOptional(Int64.self).map(Charge.init(nanocoulombs:))
  }

  init(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    let id: Int64 = try reader.read()
    let run: Int64 = try reader.read()
    let number: Int32 = try reader.read()
    let cycleNumber = try reader.readOptional(Int64.self)
    guard let direction = Direction(rawValue: try reader.read()) else { throw reader.malformed }
    var purpose: CyclePurpose?
    if let word = try reader.readText() {
      guard let known = CyclePurpose(rawValue: word) else { throw reader.malformed }
      purpose = known
    }
    self.init(
      halfCycleID: id, run: run, number: number, cycleNumber: cycleNumber, direction: direction, purpose: purpose,
      label: try reader.readText(), charge: Charge(nanocoulombs: try reader.read()),
      reverseCharge: Charge(nanocoulombs: try reader.read()), energy: Energy(nanojoules: try reader.read()),
      constantVoltageCharge: Charge(nanocoulombs: try reader.read()),
      plateauCharge: try reader.readOptional(Int64.self).map(Charge.init(nanocoulombs:)),
      gapCharge: try reader.readOptional(Int64.self).map(Charge.init(nanocoulombs:)),
      endReason: try reader.readText(), flags: DataFlags(rawValue: try reader.read()))
  }
}

extension ByteWriter {
  fileprivate mutating func writeText(_ text: String?) {
    write(text != nil)
    if let text { write(text) }
  }
}

extension ByteReader {
  fileprivate mutating func readText() throws(Malformed) -> String? { try readBool() ? try readString() : nil }
}
