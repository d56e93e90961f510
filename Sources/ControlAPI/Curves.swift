// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// swift-format-ignore-file: AlwaysUseLowerCamelCase
//
// Curves of half-cycles: the voltage against the charge, and what is derived from it. Each is as long as its grid is
// fine, however many records the half-cycle has.

/// What is drawn of a half-cycle.
public enum CurveKind: String, Sendable, Hashable, CaseIterable, Codable {
  /// The voltage at the points of a charge grid.
  case voltage
  /// Charge in the intervals of a voltage grid.
  case dqdv
  /// Change of the voltage over the intervals of a charge grid.
  case dvdq
}

/// How a curve is smoothed beside the raw one.
public enum SmoothingMethod: String, Sendable, Hashable, CaseIterable, Codable {
  /// The mean of the window.
  case movingAverage = "moving_average"
  /// A polynomial fitted to the window.
  case savitzkyGolay = "savitzky_golay"
}

/// The query of `GET /v1/runs/{run}/curves`.
public struct CurveRequest: Sendable, Hashable {
  /// Which cycles.
  public var cycles: CycleSelection
  /// What of them.
  public var curve: CurveKind
  /// `charge` or `discharge`; nil means both.
  public var direction: String?
  /// Voltage grid of `dqdv`; nil means 5 mV.
  public var grid_mV: Double?
  /// Charge grid of the others; nil divides each half-cycle into 200 (`dvdq`) or 400 (`voltage`).
  public var grid_uAh: Double?
  /// Also a smoothed curve.
  public var smoothing: Smoothing?

  /// A smoothing with its parameters.
  public struct Smoothing: Codable, Sendable, Hashable {
    /// How.
    public var method: SmoothingMethod
    /// Points that are taken together; odd.
    public var window: Int
    /// Degree of the polynomial; 0 for the moving average.
    public var order: Int

    /// Makes one from its parts.
    public init(method: SmoothingMethod, window: Int, order: Int) {
      self.method = method
      self.window = window
      self.order = order
    }
  }

  /// Makes one from its parts.
  public init(
    cycles: CycleSelection = .last, curve: CurveKind = .voltage, direction: String? = nil, grid_mV: Double? = nil,
    grid_uAh: Double? = nil, smoothing: Smoothing? = nil
  ) {
    self.cycles = cycles
    self.curve = curve
    self.direction = direction
    self.grid_mV = grid_mV
    self.grid_uAh = grid_uAh
    self.smoothing = smoothing
  }

  /// The keys of the query.
  public static let keys = ["cycle", "curve", "direction", "grid_mV", "grid_uAh", "smooth", "window", "order"]

  /// The query, without a question mark.
  public var query: String {
    let values: [String?] = [
      "\(cycles)", curve.rawValue, direction, grid_mV.map { "\($0)" }, grid_uAh.map { "\($0)" },
      smoothing?.method.rawValue, smoothing.map { "\($0.window)" }, smoothing.map { "\($0.order)" },
    ]
    return zip(Self.keys, values).compactMap { key, value in value.map { "\(key)=\($0)" } }.joined(separator: "&")
  }
}

/// One point of a curve. It has the keys of its kind of curve and no others.
public struct CurvePoint: Codable, Sendable, Hashable {
  /// `voltage`: at that charge. `dqdv`: the middle of the interval. `dvdq`: the mean of the interval's ends.
  public var voltage_V: Double
  /// `voltage`: moved in the programmed direction when the voltage was reached. `dvdq`: at the middle of the interval.
  public var charge_Ah: Double?
  /// `dqdv`: moved in the programmed direction within the interval, to the nanocoulomb.
  public var charge_nC: Int64?
  /// `dqdv`: of that, what flowed while a voltage was held.
  public var constant_voltage_charge_nC: Int64?
  /// `dqdv`: the charge less that of the hold, over the grid.
  public var dqdv_Ah_per_V: Double?
  /// The same of the smoothed curve.
  public var smoothed_dqdv_Ah_per_V: Double?
  /// `dvdq`: the change of the voltage over the grid.
  public var dvdq_V_per_Ah: Double?
  /// The same of the smoothed curve.
  public var smoothed_dvdq_V_per_Ah: Double?

  /// A point with nothing but its voltage.
  public init(voltage_V: Double) { self.voltage_V = voltage_V }
}

/// The curve of one half-cycle.
public struct HalfCycleCurve: Codable, Sendable, Hashable {
  /// Its number within the run.
  public var half_cycle: Int64
  /// Its cycle within the run.
  public var cycle_number: Int64
  /// Within the cell's life.
  public var cell_cycle_number: Int64
  /// `charge` or `discharge`.
  public var direction: String
  /// `formation`, `rate`, `life` or `diagnostic`.
  @OrNull public var purpose: String?
  /// Label of its block.
  @OrNull public var label: String?
  /// Whether it goes on; then this is what is committed of it.
  public var is_open: Bool
  /// What it has moved in its direction.
  public var charge_Ah: Double
  /// The same to the nanocoulomb.
  public var charge_nC: Int64
  /// `dqdv`: charge that is in no interval, because nobody measured a voltage.
  public var unplaced_charge_nC: Int64
  /// Of its records.
  @OrNull public var lowest_voltage_V: Double?
  /// Of its records.
  @OrNull public var highest_voltage_V: Double?
  /// The grid of `dqdv`.
  @OrNull public var grid_mV: Double?
  /// The grid of the others.
  @OrNull public var grid_uAh: Double?
  /// As those of a cycle.
  public var flags: [String]
  /// In the order of the grid.
  public var points: [CurvePoint]

  /// Makes one from its parts.
  public init(
    half_cycle: Int64, cycle_number: Int64, cell_cycle_number: Int64, direction: String, purpose: String? = nil,
    label: String? = nil, is_open: Bool, charge_Ah: Double, charge_nC: Int64, unplaced_charge_nC: Int64 = 0,
    lowest_voltage_V: Double? = nil, highest_voltage_V: Double? = nil, grid_mV: Double? = nil,
    grid_uAh: Double? = nil, flags: [String] = [], points: [CurvePoint] = []
  ) {
    self.half_cycle = half_cycle
    self.cycle_number = cycle_number
    self.cell_cycle_number = cell_cycle_number
    self.direction = direction
    self.purpose = purpose
    self.label = label
    self.is_open = is_open
    self.charge_Ah = charge_Ah
    self.charge_nC = charge_nC
    self.unplaced_charge_nC = unplaced_charge_nC
    self.lowest_voltage_V = lowest_voltage_V
    self.highest_voltage_V = highest_voltage_V
    self.grid_mV = grid_mV
    self.grid_uAh = grid_uAh
    self.flags = flags
    self.points = points
  }
}

/// Answer to `GET /v1/runs/{run}/curves`.
public struct CurveTable: Codable, Sendable, Hashable {
  /// The run.
  public var run: Int64
  /// The cell.
  public var cell: String
  /// Active mass by the cell's newest revision.
  @OrNull public var active_mass_ug: Int64?
  /// Electrode area by the cell's newest revision.
  @OrNull public var area_mm2: Double?
  /// What the points are.
  public var curve: CurveKind
  /// How the smoothed curve was made; null when nobody asked for one.
  @OrNull public var smoothing: CurveRequest.Smoothing?
  /// In the order in which they ran.
  public var half_cycles: [HalfCycleCurve]

  /// Makes one from its parts.
  public init(
    run: Int64, cell: String, active_mass_ug: Int64? = nil, area_mm2: Double? = nil, curve: CurveKind,
    smoothing: CurveRequest.Smoothing? = nil, half_cycles: [HalfCycleCurve]
  ) {
    self.run = run
    self.cell = cell
    self.active_mass_ug = active_mass_ug
    self.area_mm2 = area_mm2
    self.curve = curve
    self.smoothing = smoothing
    self.half_cycles = half_cycles
  }
}
