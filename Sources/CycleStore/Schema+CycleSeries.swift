// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

extension Schema {
  /// What follows from the row of cycles (docs/metrics.md, "Cycles in a row"). Older rows do not know it.
  static let cycleSeries = """
    ALTER TABLE half_cycle ADD COLUMN active_time_us INTEGER;
    ALTER TABLE half_cycle ADD COLUMN end_voltage_nv INTEGER;
    ALTER TABLE half_cycle ADD COLUMN end_net_charge_nc INTEGER;
    ALTER TABLE cycle ADD COLUMN conditions_group INTEGER;
    ALTER TABLE cycle ADD COLUMN complete INTEGER;
    ALTER TABLE cycle ADD COLUMN comparable INTEGER;
    ALTER TABLE cycle ADD COLUMN group_retention REAL;
    ALTER TABLE cycle ADD COLUMN linear_decay_per_cycle REAL;
    ALTER TABLE cycle ADD COLUMN geometric_decay_per_cycle REAL;
    ALTER TABLE cycle ADD COLUMN decay_cycles INTEGER;
    ALTER TABLE cycle ADD COLUMN capacity_slope_ah_per_cycle REAL;
    ALTER TABLE cycle ADD COLUMN capacity_slope_cycles INTEGER;
    ALTER TABLE cycle ADD COLUMN charge_end_slippage_ah REAL;
    ALTER TABLE cycle ADD COLUMN discharge_end_slippage_ah REAL;
    ALTER TABLE cycle ADD COLUMN coulombic_efficiency_product REAL;
    ALTER TABLE cycle ADD COLUMN sodiation_plateau_retention REAL;
    ALTER TABLE cycle ADD COLUMN desodiation_plateau_retention REAL;
    CREATE TABLE run_summary(
      run_id INTEGER NOT NULL REFERENCES run, parameter_set_id INTEGER NOT NULL REFERENCES parameter_set,
      complete_cycles INTEGER NOT NULL, initial_coulombic_efficiency REAL,
      first_coulombic_efficiency_after_formation REAL, mean_coulombic_efficiency_from_second REAL,
      coulombic_efficiency_product REAL, geometric_mean_coulombic_efficiency REAL, geometric_mean_cycles INTEGER,
      predicted_cycles_to_retention_threshold REAL, cumulative_irreversible_capacity_ah REAL, reference_cycle
      INTEGER, retention_cycle INTEGER, retention REAL, linear_decay_per_cycle REAL, geometric_decay_per_cycle REAL,
      decay_cycles INTEGER, retention_of_last_complete_cycle REAL, retention_threshold REAL NOT NULL,
      retention_threshold_cycle INTEGER, cycles_to_retention_threshold INTEGER, retention_threshold_provisional
      INTEGER, capacity_slope_ah_per_cycle REAL, capacity_slope_cycles INTEGER, conditions_groups INTEGER NOT NULL,
      PRIMARY KEY(run_id, parameter_set_id)) STRICT, WITHOUT ROWID;
    DROP VIEW cycles_view;
    CREATE VIEW cycles_view AS
      SELECT c.run_id AS run_id, n.name AS cell, c.cycle_number AS cycle, c.cell_cycle_number AS cell_cycle,
        c.purpose AS purpose, c.label AS label,
        c.charge_capacity_ah * 1e3 AS charge_capacity_mAh,
        c.discharge_capacity_ah * 1e3 AS discharge_capacity_mAh,
        c.charge_capacity_ah * 1e9 / v.active_mass_ug AS charge_capacity_mAh_per_g,
        c.discharge_capacity_ah * 1e9 / v.active_mass_ug AS discharge_capacity_mAh_per_g,
        c.coulombic_efficiency * 100 AS coulombic_efficiency_percent,
        c.retention * 100 AS retention_percent,
        c.sodiation_plateau_capacity_ah * 1e3 AS sodiation_plateau_capacity_mAh,
        c.sodiation_plateau_ratio AS sodiation_plateau_ratio,
        c.desodiation_plateau_capacity_ah * 1e3 AS desodiation_plateau_capacity_mAh,
        c.desodiation_plateau_ratio AS desodiation_plateau_ratio,
        c.flags AS flags,
        c.charge_capacity_ah * 1e8 / v.area_mm2_e3 AS charge_capacity_mAh_per_cm2,
        c.discharge_capacity_ah * 1e8 / v.area_mm2_e3 AS discharge_capacity_mAh_per_cm2,
        c.conditions_group AS conditions_group, c.complete AS complete, c.comparable AS comparable,
        c.group_retention * 100 AS group_retention_percent,
        c.linear_decay_per_cycle * 100 AS linear_decay_percent_per_cycle,
        c.geometric_decay_per_cycle * 100 AS geometric_decay_percent_per_cycle,
        c.decay_cycles AS decay_cycles,
        c.capacity_slope_ah_per_cycle * 1e3 AS capacity_slope_mAh_per_cycle,
        c.capacity_slope_cycles AS capacity_slope_cycles,
        c.charge_end_slippage_ah * 1e3 AS charge_end_slippage_mAh,
        c.discharge_end_slippage_ah * 1e3 AS discharge_end_slippage_mAh,
        c.coulombic_efficiency_product AS coulombic_efficiency_product,
        c.sodiation_plateau_retention AS sodiation_plateau_retention,
        c.desodiation_plateau_retention AS desodiation_plateau_retention,
        c.coulombic_efficiency_uncertainty * 100 AS coulombic_efficiency_uncertainty_percent
      FROM cycle c
      JOIN run USING(run_id, parameter_set_id)
      JOIN cell n USING(cell_id)
      LEFT JOIN cell_revision v
        ON v.cell_id = n.cell_id
        AND v.revision = (SELECT max(revision) FROM cell_revision WHERE cell_id = n.cell_id);
    """
}
