// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CellMetrics
internal import ControlAPI
internal import CycleStore
internal import CyclerModel
internal import Quantities

/// Makes one kind of curve of half-cycles, with the grid and the smoothing that somebody asked for.
struct CurveMaker: Sendable {
  private let request: CurveRequest
  private let voltageGrid: Voltage
  private let chargeGrid: Charge?
  private let smoothing: CurveSmoothing?

  /// Throws `RequestRefused` for a grid or a smoothing that there is not.
  init(_ request: CurveRequest) throws {
    self.request = request
    voltageGrid = request.grid_mV.map { Voltage(volts: $0 / 1_000) } ?? DifferentialCapacity.defaultGrid
    chargeGrid = request.grid_uAh.map { Charge(ampereHours: $0 / 1e6) }
    guard DifferentialCapacity(direction: .charge, grid: voltageGrid) != nil else {
      throw Self.refusal("grid of \(request.grid_mV ?? 0) mV", "the grid of dqdv is 0.5 to 1000 mV")
    }
    if (request.curve == .dqdv ? request.grid_uAh : request.grid_mV) != nil {
      throw Self.refusal(
        "\(request.curve.rawValue) with such a grid",
        request.curve == .dqdv ? "the grid of dqdv is a voltage" : "the grid of \(request.curve.rawValue) is a charge")
    }
    if let grid = chargeGrid, grid <= .zero {
      throw Self.refusal("grid of \(request.grid_uAh ?? 0) µAh", "a charge of at least a nanocoulomb, such as 1 uAh")
    }
    smoothing = request.smoothing.flatMap { CurveSmoothing(window: $0.window, order: $0.order) }
    if let wanted = request.smoothing {
      if request.curve == .voltage { throw Self.refusal("a smoothed voltage", "smooth dqdv or dvdq") }
      if smoothing == nil || (wanted.method == .movingAverage && wanted.order != 0) {
        throw Self.refusal(
          "\(wanted.method.rawValue) over \(wanted.window) points of order \(wanted.order)",
          "an odd window from 3 to \(CurveSmoothing.widestWindow), larger than the order, which is at most "
            + "\(CurveSmoothing.highestOrder) and 0 for a moving average")
      }
    }
  }

  private static func refusal(_ what: String, _ hint: String) -> RequestRefused {
    RequestRefused(.malformed, code: "curve.not_possible", message: "there is no \(what)", hint: hint)
  }

  func curve(of extent: HalfCycleExtent, _ direction: Direction, _ run: StoredRun, _ store: CycleStore) async throws
    -> HalfCycleCurve
  {
    let row = extent.row
    var curve = HalfCycleCurve(
      half_cycle: row.number, cycle_number: row.cycleNumber ?? 0,
      cell_cycle_number: run.firstCycleNumber - 1 + (row.cycleNumber ?? 0), direction: "\(direction)",
      purpose: row.purpose, label: row.label, is_open: row.endReason == nil, charge_Ah: extent.charge.ampereHours,
      charge_nC: extent.charge.nanocoulombs, flags: DataFlags(rawValue: row.flags).names)
    switch request.curve {
    case .dqdv: try await addCapacity(to: &curve, extent, direction, store)
    case .dvdq, .voltage: try await addVoltage(to: &curve, extent, direction, store)
    }
    return curve
  }

  private func addCapacity(
    to curve: inout HalfCycleCurve, _ extent: HalfCycleExtent, _ direction: Direction, _ store: CycleStore
  ) async throws {
    guard var capacity = DifferentialCapacity(direction: direction, grid: voltageGrid) else { return }
    try await extent.read(store) {
      capacity.record($0)
    } stepEnded: {
      capacity.stepEnded()
    }
    curve.grid_mV = voltageGrid.volts * 1_000
    curve.unplaced_charge_nC = capacity.unplacedCharge.nanocoulombs
    curve.lowest_voltage_V = capacity.lowestVoltage?.volts
    curve.highest_voltage_V = capacity.highestVoltage?.volts
    let bins = capacity.bins
    let values = bins.map { ($0.charge - $0.constantVoltageCharge).ampereHours / voltageGrid.volts }
    let smooth = smoothing?.smoothed(values)
    curve.points = bins.indices.map { index in
      var point = CurvePoint(voltage_V: Double(2 * bins[index].lowerEdge.nanovolts + voltageGrid.nanovolts) / 2e9)
      point.charge_nC = bins[index].charge.nanocoulombs
      point.constant_voltage_charge_nC = bins[index].constantVoltageCharge.nanocoulombs
      point.dqdv_Ah_per_V = values[index]
      point.smoothed_dqdv_Ah_per_V = smooth?[index]
      return point
    }
  }

  private func addVoltage(
    to curve: inout HalfCycleCurve, _ extent: HalfCycleExtent, _ direction: Direction, _ store: CycleStore
  ) async throws {
    let intervals = request.curve == .dvdq ? ChargeCurve.defaultIntervals : LaboratoryOperations.voltageIntervals
    let grid = chargeGrid ?? ChargeCurve.grid(of: extent.charge, intervals: intervals)
    guard var course = ChargeCurve(direction: direction, grid: grid, of: extent.charge) else {
      throw Self.refusal(
        "grid of \(grid.nanocoulombs) nC for a half-cycle of \(extent.charge.ampereHours) Ah",
        "it would be more than \(ChargeCurve.mostIntervals) intervals; say a charge from "
          + "\(extent.charge.ampereHours * 1e6 / Double(ChargeCurve.mostIntervals)) uAh on")
    }
    try await extent.read(store) {
      course.record($0)
    } stepEnded: {
      course.stepEnded()
    }
    curve.grid_uAh = grid.ampereHours * 1e6
    let voltages = course.nodes.map(\.voltage)
    curve.lowest_voltage_V = voltages.min()?.volts
    curve.highest_voltage_V = voltages.max()?.volts
    guard request.curve == .dvdq else {
      curve.points = course.nodes.map { node in
        var point = CurvePoint(voltage_V: node.voltage.volts)
        point.charge_Ah = node.charge.ampereHours
        return point
      }
      return
    }
    let slopes = course.slopes
    let values = slopes.map { $0.change.volts / grid.ampereHours }
    let smooth = smoothing?.smoothed(values)
    curve.points = slopes.indices.map { index in
      var point = CurvePoint(voltage_V: slopes[index].voltage.volts)
      point.charge_Ah = Double(2 * slopes[index].charge.nanocoulombs + grid.nanocoulombs) / 7.2e12
      point.dvdq_V_per_Ah = values[index]
      point.smoothed_dvdq_V_per_Ah = smooth?[index]
      return point
    }
  }
}
