// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Between the daemon's own quantities and what requests and rows carry.

internal import ControlAPI
internal import CycleStore
internal import CyclerModel
internal import CyclingProtocol
internal import InstrumentKit
internal import Quantities

extension InstrumentLimits {
  /// What the compiler must know of a model.
  init(_ capabilities: InstrumentCapabilities) {
    self.init(
      voltage: capabilities.voltage, maximumCurrent: capabilities.maximumCurrent,
      voltageErrorPartsPerMillion: capabilities.voltageErrorPartsPerMillion,
      voltageOffsetError: capabilities.voltageOffsetError,
      shortestReadingInterval: capabilities.shortestReadingInterval, kinds: capabilities.kinds)
  }
}

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
}

extension Problem {
  /// A problem of the protocol language.
  init(_ problem: ProtocolProblem, in name: String) {
    self.init(
      protocol_name: name, path: problem.path, line: problem.line, column: problem.column, message: problem.message,
      hint: problem.hint)
  }
}

extension RequestRefused {
  /// Refused because protocols do not compile.
  init(problems: [Problem]) {
    self.init(
      .impossible, code: "protocol.invalid",
      message: problems.count == 1 ? "the protocol has a problem" : "the protocols have \(problems.count) problems",
      hint: "`nactl check` lists them", problems: problems)
  }
}
