// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CyclerModel
internal import Quantities

// What a closed half-cycle carries into the checkpoint while it waits for the other half of its cycle.
extension HalfCycleDetail {
  func encode(into writer: inout ByteWriter) {
    writer.write(constantCurrentCharge?.nanocoulombs)
    writer.write(constantCurrentTime?.microseconds)
    writer.write(constantVoltageTime?.microseconds)
    restBefore.encode(into: &writer)
    resistances.encode(into: &writer)
    writer.write(plateauIRCorrectedCharge?.nanocoulombs)
    writer.write(offsetUncertainty?.nanocoulombs)
    writer.write(gainUncertainty?.nanocoulombs)
    writer.write(rangeFullScale?.picoamperes)
  }

  init(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    self.init()
    constantCurrentCharge = try reader.readOptional(Int64.self).map { Charge(nanocoulombs: $0) }
    constantCurrentTime = try reader.readOptional(Int64.self).map { TimeSpan(microseconds: $0) }
    constantVoltageTime = try reader.readOptional(Int64.self).map { TimeSpan(microseconds: $0) }
    restBefore = try RestBefore?.decode(from: &reader)
    resistances = try ClosingResistances(from: &reader)
    plateauIRCorrectedCharge = try reader.readOptional(Int64.self).map { Charge(nanocoulombs: $0) }
    offsetUncertainty = try reader.readOptional(Int64.self).map { Charge(nanocoulombs: $0) }
    gainUncertainty = try reader.readOptional(Int64.self).map { Charge(nanocoulombs: $0) }
    rangeFullScale = try reader.readOptional(Int64.self).map { Current(picoamperes: $0) }
  }
}

extension ClosingResistances {
  func encode(into writer: inout ByteWriter) {
    for delay in ResistanceDelay.allCases {
      writer.write(self[delay]?.resistance.count)
      writer.write(self[delay]?.delay.microseconds)
    }
  }

  init(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    self.init()
    for delay in ResistanceDelay.allCases {
      let resistance = try reader.readOptional(Int64.self)
      let time = try reader.readOptional(Int64.self)
      guard let resistance, let time else { continue }
      self[delay] = ClosingResistance(
        resistance: Resistance(count: resistance), delay: TimeSpan(microseconds: time))
    }
  }
}

extension RestBefore? {
  func encode(into writer: inout ByteWriter) {
    writer.write(self != nil)
    guard let self else { return }
    writer.write(self.duration?.microseconds)
    writer.write(self.startVoltage?.nanovolts)
    writer.write(self.endVoltage?.nanovolts)
    writer.write(self.drift?.count)
    writer.write(self.driftSpan?.microseconds)
  }

  static func decode(from reader: inout ByteReader) throws(ByteReader.Malformed) -> RestBefore? {
    guard try reader.readBool() else { return nil }
    var rest = RestBefore()
    rest.duration = try reader.readOptional(Int64.self).map { TimeSpan(microseconds: $0) }
    rest.startVoltage = try reader.readOptional(Int64.self).map { Voltage(nanovolts: $0) }
    rest.endVoltage = try reader.readOptional(Int64.self).map { Voltage(nanovolts: $0) }
    rest.drift = try reader.readOptional(Int64.self).map { VoltageRate(count: $0) }
    rest.driftSpan = try reader.readOptional(Int64.self).map { TimeSpan(microseconds: $0) }
    return rest
  }
}
