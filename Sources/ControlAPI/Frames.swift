// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// swift-format-ignore-file: AlwaysUseLowerCamelCase
//
// What a live stream carries. Every frame was committed to the store before it is sent, and the cursor that comes with
// it names the place after it, so a reader that comes back loses nothing and reads nothing twice.

/// How far a step is from the condition that it will probably meet next.
public struct CutoffDistance: Codable, Sendable, Hashable {
  /// The condition as written in the protocol, for instance `voltage <= 10 mV`.
  public var condition: String
  /// How much is missing, in `unit`; at least zero.
  public var remaining: Double
  /// `V`, `A`, `s`, `Ah` or `Wh`.
  public var unit: String

  /// Makes one from its parts.
  public init(condition: String, remaining: Double, unit: String) {
    self.condition = condition
    self.remaining = remaining
    self.unit = unit
  }
}

/// One stored measurement with the place it belongs to.
public struct RecordFrame: Codable, Sendable, Hashable {
  /// The run.
  public var run: Int64
  /// The cell.
  public var cell: String
  /// The channel.
  public var channel: String
  /// Cycle within the run; null outside cycles.
  @OrNull public var cycle_number: Int64?
  /// Cycle within the cell's life.
  @OrNull public var cell_cycle_number: Int64?
  /// Counted from 1 in the run, never repeated.
  public var step_count: Int
  /// `rest`, `constant_current`, `constant_current_constant_voltage`, `constant_voltage`, `constant_power`,
  /// `constant_resistance`, `voltage_sweep` or `open_circuit_check`.
  public var step_kind: String
  /// Place in the protocol.
  public var step_path: String
  /// Nearest label.
  @OrNull public var step_label: String?
  /// `charge`, `discharge` or `none`.
  public var direction: String
  /// Counted from 0 in the step.
  public var step_record_index: Int
  /// Since the run's first reading, pauses included.
  public var test_time_s: Double
  /// Since the step began, pauses not included.
  public var step_time_s: Double
  /// Microseconds of UTC since 1970.
  public var unix_us: Int64
  /// Voltage; null when nobody measured it.
  @OrNull public var voltage_V: Double?
  /// Current, positive charges the cell; null when nobody measured it.
  @OrNull public var current_A: Double?
  /// Beside the cell; null when it is not known.
  @OrNull public var temperature_degC: Double?
  /// Net charge since the step began, from every reading.
  public var step_charge_Ah: Double
  /// Net energy since the step began.
  public var step_energy_Wh: Double
  /// The condition that the step will probably meet next.
  @OrNull public var next_cutoff: CutoffDistance?
  /// Quality, for instance `overload` or `late`.
  public var flags: [String]

  /// Makes one from its parts.
  public init(
    run: Int64, cell: String, channel: String, cycle_number: Int64? = nil, cell_cycle_number: Int64? = nil,
    step_count: Int, step_kind: String, step_path: String, step_label: String? = nil, direction: String,
    step_record_index: Int, test_time_s: Double, step_time_s: Double, unix_us: Int64, voltage_V: Double? = nil,
    current_A: Double? = nil, temperature_degC: Double? = nil, step_charge_Ah: Double, step_energy_Wh: Double,
    next_cutoff: CutoffDistance? = nil,
    flags: [String]
  ) {
    self.run = run
    self.cell = cell
    self.channel = channel
    self.cycle_number = cycle_number
    self.cell_cycle_number = cell_cycle_number
    self.step_count = step_count
    self.step_kind = step_kind
    self.step_path = step_path
    self.step_label = step_label
    self.direction = direction
    self.step_record_index = step_record_index
    self.test_time_s = test_time_s
    self.step_time_s = step_time_s
    self.unix_us = unix_us
    self.voltage_V = voltage_V
    self.current_A = current_A
    self.temperature_degC = temperature_degC
    self.step_charge_Ah = step_charge_Ah
    self.step_energy_Wh = step_energy_Wh
    self.next_cutoff = next_cutoff
    self.flags = flags
  }
}

/// A cycle that closed.
public struct CycleFrame: Codable, Sendable, Hashable {
  /// The run.
  public var run: Int64
  /// The cell.
  public var cell: String
  /// Within the run, from 1.
  public var cycle_number: Int64
  /// Within the cell's life, from 1.
  public var cell_cycle_number: Int64
  /// `formation`, `rate`, `life` or `diagnostic`.
  @OrNull public var purpose: String?
  /// Label of its block.
  @OrNull public var label: String?
  /// Charge moved by the charging half-cycle; null when unknown.
  @OrNull public var charge_capacity_Ah: Double?
  /// Charge moved by the discharging half-cycle, a magnitude; null when unknown.
  @OrNull public var discharge_capacity_Ah: Double?
  /// Energy of the charging half-cycle.
  @OrNull public var charge_energy_Wh: Double?
  /// What the discharging half-cycle gave off; negative where it plated below 0 V.
  @OrNull public var discharge_energy_Wh: Double?
  /// Energy over charge of the charging half-cycle.
  @OrNull public var mean_charge_voltage_V: Double?
  /// Energy over charge of the discharging half-cycle.
  @OrNull public var mean_discharge_voltage_V: Double?
  /// The first of these less the second.
  @OrNull public var voltage_hysteresis_V: Double?
  /// Energy of the discharging over that of the charging half-cycle, as a fraction, in every role.
  @OrNull public var energy_efficiency: Double?
  /// Second half-cycle over first in the order of the role, as a fraction, never clamped; null when incomplete or
  /// meaningless.
  @OrNull public var coulombic_efficiency: Double?
  /// By how much the efficiency can be wrong by the instrument's stated error, as a fraction; null where nothing is
  /// stated.
  @OrNull public var coulombic_efficiency_uncertainty: Double?
  /// By how much the charge capacity can be wrong by it.
  @OrNull public var charge_capacity_uncertainty_Ah: Double?
  /// By how much the discharge capacity can be wrong by it.
  @OrNull public var discharge_capacity_uncertainty_Ah: Double?
  /// Charge below the plateau threshold on sodiation, of the voltage less its ohmic part; null unless the protocol asks.
  @OrNull public var sodiation_plateau_ir_corrected_capacity_Ah: Double?
  /// Its share of the sodiation charge, as a fraction.
  @OrNull public var sodiation_plateau_ir_corrected_ratio: Double?
  /// The same of the desodiation branch.
  @OrNull public var desodiation_plateau_ir_corrected_capacity_Ah: Double?
  /// Its share of the desodiation charge, as a fraction.
  @OrNull public var desodiation_plateau_ir_corrected_ratio: Double?
  /// Charge below the plateau threshold on sodiation.
  @OrNull public var sodiation_plateau_capacity_Ah: Double?
  /// Its share of the sodiation charge, as a fraction.
  @OrNull public var sodiation_plateau_ratio: Double?
  /// Charge below the threshold on desodiation.
  @OrNull public var desodiation_plateau_capacity_Ah: Double?
  /// Its share of the desodiation charge, as a fraction.
  @OrNull public var desodiation_plateau_ratio: Double?
  /// Reversible capacity over that of the protocol's reference cycle, as a fraction; null without a reference.
  @OrNull public var retention: Double?
  /// What the run's cycles up to this one have not given back; null once a charge was not known.
  @OrNull public var cumulative_irreversible_capacity_Ah: Double?
  /// What to know before trusting the numbers: `gap`, `interrupted`, `truncated`, `empty`, `overload`,
  /// `charge_unknown`.
  public var flags: [String]
  /// Cycles with the same number ran alike.
  @OrNull public var conditions_group: Int64? = nil
  /// Whether both half-cycles are complete.
  @OrNull public var complete: Bool? = nil
  /// Whether its efficiency can be compared with others'.
  @OrNull public var comparable: Bool? = nil
  /// Reversible capacity over that of the group's first complete cycle.
  @OrNull public var group_retention: Double? = nil
  /// Loss since the reference cycle a cycle.
  @OrNull public var linear_decay_per_cycle: Double? = nil
  /// The share that each cycle since lost.
  @OrNull public var geometric_decay_per_cycle: Double? = nil
  /// How many cycles it is from the reference.
  @OrNull public var decay_cycles: Int64? = nil
  /// Theil–Sen slope of the reversible capacity within its group.
  @OrNull public var capacity_slope_Ah_per_cycle: Double? = nil
  /// Over how many cycles.
  @OrNull public var capacity_slope_cycles: Int64? = nil
  /// How far the end of charging moved, positive charging.
  @OrNull public var charge_end_slippage_Ah: Double? = nil
  /// How far the end of discharging moved.
  @OrNull public var discharge_end_slippage_Ah: Double? = nil
  /// Product of the complete cycles' efficiencies up to here.
  @OrNull public var coulombic_efficiency_product: Double? = nil
  /// Sodiation's plateau charge over that at the lowest rate.
  @OrNull public var sodiation_plateau_retention: Double? = nil
  /// Desodiation's plateau charge over that at the lowest rate.
  @OrNull public var desodiation_plateau_retention: Double? = nil
  // Only where `units=mAh_per_g` asks for them; by the cell's newest mass.
  /// `charge_capacity_Ah` over the mass.
  public var charge_capacity_mAh_per_g: Double?
  /// `discharge_capacity_Ah` over the mass.
  public var discharge_capacity_mAh_per_g: Double?
  /// `sodiation_plateau_capacity_Ah` over the mass.
  public var sodiation_plateau_capacity_mAh_per_g: Double?
  /// `desodiation_plateau_capacity_Ah` over the mass.
  public var desodiation_plateau_capacity_mAh_per_g: Double?
  // Only where `units=mAh_per_cm2` asks for them; by the cell's newest area.
  /// `charge_capacity_Ah` over the area.
  public var charge_capacity_mAh_per_cm2: Double?
  /// `discharge_capacity_Ah` over the area.
  public var discharge_capacity_mAh_per_cm2: Double?
  /// `sodiation_plateau_capacity_Ah` over the area.
  public var sodiation_plateau_capacity_mAh_per_cm2: Double?
  /// `desodiation_plateau_capacity_Ah` over the area.
  public var desodiation_plateau_capacity_mAh_per_cm2: Double?

  /// Makes one from its parts.
  public init(
    run: Int64, cell: String, cycle_number: Int64, cell_cycle_number: Int64, purpose: String? = nil,
    label: String? = nil, charge_capacity_Ah: Double? = nil, discharge_capacity_Ah: Double? = nil,
    charge_energy_Wh: Double? = nil, discharge_energy_Wh: Double? = nil, mean_charge_voltage_V: Double? = nil,
    mean_discharge_voltage_V: Double? = nil, voltage_hysteresis_V: Double? = nil, energy_efficiency: Double? = nil,
    coulombic_efficiency: Double? = nil, sodiation_plateau_capacity_Ah: Double? = nil,
    sodiation_plateau_ratio: Double? = nil,
    desodiation_plateau_capacity_Ah: Double? = nil, desodiation_plateau_ratio: Double? = nil, retention: Double? = nil,
    cumulative_irreversible_capacity_Ah: Double? = nil, flags: [String]
  ) {
    self.run = run
    self.cell = cell
    self.cycle_number = cycle_number
    self.cell_cycle_number = cell_cycle_number
    self.purpose = purpose
    self.label = label
    self.charge_capacity_Ah = charge_capacity_Ah
    self.discharge_capacity_Ah = discharge_capacity_Ah
    self.charge_energy_Wh = charge_energy_Wh
    self.discharge_energy_Wh = discharge_energy_Wh
    self.mean_charge_voltage_V = mean_charge_voltage_V
    self.mean_discharge_voltage_V = mean_discharge_voltage_V
    self.voltage_hysteresis_V = voltage_hysteresis_V
    self.energy_efficiency = energy_efficiency
    self.coulombic_efficiency = coulombic_efficiency
    self.sodiation_plateau_capacity_Ah = sodiation_plateau_capacity_Ah
    self.sodiation_plateau_ratio = sodiation_plateau_ratio
    self.desodiation_plateau_capacity_Ah = desodiation_plateau_capacity_Ah
    self.desodiation_plateau_ratio = desodiation_plateau_ratio
    self.retention = retention
    self.cumulative_irreversible_capacity_Ah = cumulative_irreversible_capacity_Ah
    self.flags = flags
  }
}

/// Something that happened, with who did it.
public struct EventFrame: Codable, Sendable, Hashable {
  /// Number, rising.
  public var event: Int64
  /// When, in microseconds of UTC since 1970.
  public var unix_us: Int64
  /// The run.
  @OrNull public var run: Int64?
  /// The channel.
  @OrNull public var channel: String?
  /// The cell.
  @OrNull public var cell: String?
  /// The step.
  @OrNull public var step_count: Int?
  /// The step time then.
  @OrNull public var step_time_s: Double?
  /// Registered dotted name, see docs/faults.md.
  public var code: String
  /// `info`, `warning` or `alarm`.
  public var severity: String
  /// `daemon`, `instrument` or the name of a user.
  public var actor: String
  /// One sentence.
  public var detail: String

  /// Makes one from its parts.
  public init(
    event: Int64, unix_us: Int64, run: Int64? = nil, channel: String? = nil, cell: String? = nil,
    step_count: Int? = nil, step_time_s: Double? = nil, code: String, severity: String, actor: String, detail: String
  ) {
    self.event = event
    self.unix_us = unix_us
    self.run = run
    self.channel = channel
    self.cell = cell
    self.step_count = step_count
    self.step_time_s = step_time_s
    self.code = code
    self.severity = severity
    self.actor = actor
    self.detail = detail
  }
}
