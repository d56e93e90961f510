// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import VirtualLab

extension BatlabInstrument {
  /// What a circuit does to its cell now.
  public func terminals(channel: Int) -> TerminalState? {
    guard circuits.indices.contains(channel), let cell = circuits[channel].cell else { return nil }
    return TerminalState(cell, under: circuits[channel].drive)
  }

  /// Lets a circuit misbehave. Its packets have no room for what is no number.
  public mutating func misbehave(_ kind: Misbehaviour?, channel: Int) -> Bool {
    guard circuits.indices.contains(channel), kind != .notANumber else { return false }
    let circuit = circuits[channel]
    circuits[channel].fault = kind.map {
      // The meter shows magnitudes, to its own resolution.
      MeterFault(
        $0, volts: Double(Int16(bitPattern: circuit.registers[0x07])) * 4.5 / 32_768,
        amperes: Double(circuit.registers[0x06]) * 4.096 / 32_768)
    }
    return true
  }

  /// Whether a write to this place is acknowledged and forgotten.
  func isLying(_ place: Place) -> Bool { fault(at: place) == .liar }

  /// Whether a write to this place is refused.
  func isRefusing(_ place: Place) -> Bool { fault(at: place) == .refusing }

  private func fault(at place: Place) -> Misbehaviour? {
    circuits.indices.contains(Int(place.space)) ? circuits[Int(place.space)].fault?.kind : nil
  }
}
