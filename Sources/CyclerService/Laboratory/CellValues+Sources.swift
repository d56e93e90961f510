// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Where the values come from that currents are computed from. Two different ones are refused and never chosen between:
// cell against request here, both against the protocol in its compiler.

internal import ControlAPI
internal import CycleStore
internal import CyclerModel
internal import Quantities

extension CellValues {
  /// What the newest revision of a cell says.
  init(_ cell: StoredCell?) {
    self.init(
      activeMass: cell?.activeMassUg.map { Mass(micrograms: $0) },
      area: cell?.areaMm2E3.map { Area(squareMillimetreThousandths: $0) },
      nominalCapacity: cell?.nominalChargeNc.map { Charge(nanocoulombs: $0) })
  }

  /// What the person who starts says.
  init(_ request: StartRequest) {
    self.init(mass: request.active_mass_ug, area: request.area_mm2, nominal: request.nominal_capacity_mAh)
  }

  /// From the units of requests.
  init(mass: Int64?, area: Double?, nominal: Double?) {
    self.init(
      activeMass: mass.map { Mass(micrograms: $0) },
      area: area.map { Area(squareMillimetreThousandths: Int64(($0 * 1_000).rounded())) },
      nominalCapacity: nominal.map { Charge(ampereHours: $0 / 1_000) })
  }

  /// What the cell and the person say together.
  init(_ cell: StoredCell?, _ said: CellValues) throws {
    let stored = CellValues(cell)
    func one<Value: WrittenQuantity & Equatable>(_ what: String, _ stored: Value?, _ said: Value?) throws -> Value? {
      guard let stored, let said, stored != said else { return stored ?? said }
      throw RequestRefused(
        .conflict, code: "cell.values_differ",
        message: "\(what): the cell “\(cell?.name ?? "")” says \(stored.written), the request says \(said.written)",
        hint: "leave it out of the request, or correct the cell with `nactl cell edit`")
    }
    self.init(
      activeMass: try one("active mass", stored.activeMass, said.activeMass),
      area: try one("area", stored.area, said.area),
      nominalCapacity: try one("nominal capacity", stored.nominalCapacity, said.nominalCapacity))
  }

  /// With what is missing taken from others.
  func filled(from others: CellValues) -> CellValues {
    CellValues(
      activeMass: activeMass ?? others.activeMass, area: area ?? others.area,
      nominalCapacity: nominalCapacity ?? others.nominalCapacity)
  }
}
