// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

// The tables as a scientist meets them. docs/database.md explains every column; a test compares the two.
//
// A schema is only ever extended by another entry at the end of `steps`: an entry that has shipped never changes.

/// The versions of the database's shape. `PRAGMA user_version` says how many of `steps` a file has seen.
enum Schema {
  /// `PRAGMA application_id`: the letters NaCy. It tells our files from any other SQLite database.
  static let applicationID: Int64 = 0x4E61_4379
  /// The version that this program writes.
  static var version: Int { steps.count }
  /// Databases of this version and later count their commits.
  static let firstVersionWithMark = 5
  /// One SQL script a version, in order.
  static let steps: [String] = [
    version1, version2, version3, version4, version5, version6, version7, version8, version9,
  ]

  private static let version1 = registry + runs + measurements + results + views

  /// What a protocol compiles to depends on the cell's mass and capacity, so it belongs to the run and not to the text;
  /// and a channel knows how its leads go to the cell (hazard rule 23).
  private static let version2 = """
    ALTER TABLE run_protocol ADD COLUMN listing TEXT NOT NULL DEFAULT '';
    ALTER TABLE run_protocol ADD COLUMN compiler_version TEXT NOT NULL DEFAULT '';
    UPDATE run_protocol SET (listing, compiler_version) =
      (SELECT p.listing, p.compiler_version FROM protocol p WHERE p.protocol_id = run_protocol.protocol_id);
    ALTER TABLE protocol DROP COLUMN listing;
    ALTER TABLE protocol DROP COLUMN compiler_version;
    ALTER TABLE channel ADD COLUMN wiring TEXT;
    ALTER TABLE run ADD COLUMN wiring TEXT;
    """

  /// Retention is judged while a run goes on, so what it was judged by is kept.
  private static let version3 = """
    ALTER TABLE cycle ADD COLUMN retention REAL;
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
        c.flags AS flags
      FROM cycle c
      JOIN run USING(run_id, parameter_set_id)
      JOIN cell n USING(cell_id)
      LEFT JOIN cell_revision v
        ON v.cell_id = n.cell_id
        AND v.revision = (SELECT max(revision) FROM cell_revision WHERE cell_id = n.cell_id);
    """

  /// Tests of plating have a result of their own: their half-cycles are no cycles.
  private static let version4 = """
    CREATE TABLE efficiency_test(
      run_id INTEGER NOT NULL REFERENCES run, number INTEGER NOT NULL, kind TEXT NOT NULL, label TEXT NOT NULL,
      cycles INTEGER NOT NULL, reservoir_charge_nc INTEGER NOT NULL, plated_charge_nc INTEGER NOT NULL,
      stripped_charge_nc INTEGER NOT NULL, coulombic_efficiency REAL, flags INTEGER NOT NULL,
      PRIMARY KEY(run_id, number)) STRICT, WITHOUT ROWID;
    CREATE VIEW efficiency_tests_view AS
      SELECT t.run_id AS run_id, n.name AS cell, t.number AS number, t.kind AS kind, t.label AS label,
        t.cycles AS cycles, t.reservoir_charge_nc / 3.6e9 AS reservoir_charge_mAh,
        t.plated_charge_nc / 3.6e9 AS plated_charge_mAh, t.stripped_charge_nc / 3.6e9 AS stripped_charge_mAh,
        t.coulombic_efficiency * 100 AS coulombic_efficiency_percent, t.flags AS flags
      FROM efficiency_test t JOIN run USING(run_id) JOIN cell n USING(cell_id);
    """

  /// How far the database has come, to be compared with the file beside it.
  private static let version5 = """
    CREATE TABLE commit_mark(database_id TEXT NOT NULL, commits INTEGER NOT NULL) STRICT;
    INSERT INTO commit_mark SELECT '', coalesce(max(commit_sequence), 0) FROM checkpoint;
    """

  /// A run's protocol may be amended while it runs, and its cycles may end by what they have not given back.
  private static let version6 = """
    ALTER TABLE run ADD COLUMN protocol_revision INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE run_protocol ADD COLUMN amended_unix_us INTEGER;
    ALTER TABLE run_protocol ADD COLUMN reason TEXT;
    ALTER TABLE run_protocol ADD COLUMN refusal TEXT;
    ALTER TABLE cycle ADD COLUMN cumulative_irreversible_capacity_ah REAL;
    """

  /// Thermometers beside channels, and what they said while a run was on. A temperature is null where it is not known any
  /// more, so that nobody reads an old one on.
  private static let version7 = """
    CREATE TABLE observer(
      channel_id INTEGER NOT NULL REFERENCES channel, quantity TEXT NOT NULL,
      instrument_id INTEGER NOT NULL REFERENCES instrument, bound_unix_us INTEGER NOT NULL, bound_by TEXT NOT NULL,
      PRIMARY KEY(channel_id, quantity)) STRICT, WITHOUT ROWID;
    CREATE TABLE temperature_record(
      step_id INTEGER NOT NULL, step_time_us INTEGER NOT NULL, temperature_mdegc INTEGER,
      PRIMARY KEY(step_id, step_time_us)) STRICT, WITHOUT ROWID;
    """

  /// Impedance spectra: a point has other quantities than a record.
  private static let version8 = """
    CREATE TABLE impedance_point(
      step_id INTEGER NOT NULL, number INTEGER NOT NULL, step_time_us INTEGER NOT NULL,
      frequency_uhz INTEGER NOT NULL, real_uohm INTEGER NOT NULL, imaginary_uohm INTEGER NOT NULL,
      voltage_nv INTEGER, current_pa INTEGER, flags INTEGER NOT NULL,
      PRIMARY KEY(step_id, number)) STRICT, WITHOUT ROWID;
    CREATE VIEW impedance_bdf AS
      SELECT s.run_id AS run_id,
        (s.started_test_time_us + p.step_time_us) / 1e6 AS "Test Time / s",
        (s.started_unix_us + p.step_time_us) / 1e6 AS "Unix Time / s",
        s.cycle_number AS "Cycle Count / 1",
        s.step_count AS "Step Count / 1",
        p.number AS number,
        p.frequency_uhz / 1e6 AS "Frequency / Hz",
        p.real_uohm / 1e6 AS "Real Impedance / ohm",
        p.imaginary_uohm / 1e6 AS "Imaginary Impedance / ohm",
        p.voltage_nv / 1e9 AS "Voltage / V",
        p.current_pa / 1e12 AS "Current / A",
        p.flags AS flags
      FROM step s JOIN impedance_point p USING(step_id);
    """

  /// Cycles that were computed again, and runs that came from another database.
  private static let version9 = """
    CREATE TABLE recount(
      run_id INTEGER NOT NULL REFERENCES run, parameter_set_id INTEGER NOT NULL REFERENCES parameter_set,
      computed_unix_us INTEGER NOT NULL, computed_by TEXT NOT NULL, program_version TEXT NOT NULL, label TEXT,
      half_cycles INTEGER NOT NULL, cycles INTEGER NOT NULL, records INTEGER NOT NULL,
      last_step_id INTEGER, last_step_record_index INTEGER,
      PRIMARY KEY(run_id, parameter_set_id)) STRICT, WITHOUT ROWID;
    CREATE TABLE run_import(
      run_id INTEGER PRIMARY KEY, begun_unix_us INTEGER NOT NULL, imported_unix_us INTEGER,
      imported_by TEXT NOT NULL, archive_checksum TEXT NOT NULL, archive_version TEXT NOT NULL,
      instrument_family TEXT NOT NULL, channel_name TEXT NOT NULL, cell_name TEXT NOT NULL) STRICT;
    """

  private static let registry = """
    CREATE TABLE batch(
      batch_id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, notes TEXT NOT NULL DEFAULT '') STRICT;
    CREATE TABLE cell(
      cell_id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, external_id TEXT UNIQUE,
      batch_id INTEGER REFERENCES batch, role TEXT NOT NULL, created_unix_us INTEGER NOT NULL,
      retired_unix_us INTEGER) STRICT;
    CREATE TABLE cell_revision(
      cell_id INTEGER NOT NULL REFERENCES cell, revision INTEGER NOT NULL, entered_unix_us INTEGER NOT NULL,
      entered_by TEXT NOT NULL, reason TEXT NOT NULL, active_mass_ug INTEGER, active_mass_basis TEXT,
      active_mass_uncertainty_ug INTEGER, area_mm2_e3 INTEGER, nominal_charge_nc INTEGER, electrolyte TEXT,
      counter_electrode TEXT, notes TEXT, PRIMARY KEY(cell_id, revision)) STRICT, WITHOUT ROWID;
    CREATE TABLE instrument(
      instrument_id INTEGER PRIMARY KEY, family TEXT NOT NULL, model TEXT NOT NULL, serial TEXT NOT NULL,
      firmware TEXT, first_seen_unix_us INTEGER NOT NULL, UNIQUE(family, serial)) STRICT;
    CREATE TABLE channel(
      channel_id INTEGER PRIMARY KEY, instrument_id INTEGER NOT NULL REFERENCES instrument, number INTEGER NOT NULL,
      name TEXT NOT NULL UNIQUE, UNIQUE(instrument_id, number)) STRICT;
    CREATE TABLE cell_mount(
      channel_id INTEGER PRIMARY KEY REFERENCES channel, cell_id INTEGER NOT NULL UNIQUE REFERENCES cell,
      mounted_unix_us INTEGER NOT NULL, mounted_by TEXT NOT NULL) STRICT;
    CREATE TABLE latch(
      channel_id INTEGER PRIMARY KEY REFERENCES channel, fault TEXT NOT NULL, run_id INTEGER,
      raised_unix_us INTEGER NOT NULL, detail TEXT NOT NULL) STRICT;

    """

  private static let runs = """
    CREATE TABLE protocol(
      protocol_id INTEGER PRIMARY KEY, sha256 BLOB NOT NULL UNIQUE, source TEXT NOT NULL, listing TEXT NOT NULL,
      compiler_version TEXT NOT NULL) STRICT;
    CREATE TABLE parameter_set(
      parameter_set_id INTEGER PRIMARY KEY, definitions_version TEXT NOT NULL, parameters TEXT NOT NULL,
      UNIQUE(definitions_version, parameters)) STRICT;
    CREATE TABLE run(
      run_id INTEGER PRIMARY KEY, uuid TEXT NOT NULL UNIQUE, title TEXT NOT NULL,
      cell_id INTEGER NOT NULL REFERENCES cell, cell_revision INTEGER NOT NULL,
      channel_id INTEGER NOT NULL REFERENCES channel,
      parameter_set_id INTEGER NOT NULL REFERENCES parameter_set,
      state TEXT NOT NULL, state_reason TEXT, state_unix_us INTEGER NOT NULL, queue_position INTEGER,
      created_unix_us INTEGER NOT NULL, started_unix_us INTEGER, ended_unix_us INTEGER, started_by TEXT NOT NULL,
      end_reason TEXT, rate_basis_charge_nc INTEGER, rate_basis_mass_ug INTEGER, rate_basis_area_mm2_e3 INTEGER,
      first_cycle_number INTEGER NOT NULL, daemon_version TEXT NOT NULL, instrument_specification TEXT NOT NULL,
      settings TEXT NOT NULL) STRICT;
    CREATE INDEX run_cell ON run(cell_id, run_id);
    CREATE TABLE run_protocol(
      run_id INTEGER NOT NULL REFERENCES run, revision INTEGER NOT NULL,
      protocol_id INTEGER NOT NULL REFERENCES protocol, from_step_id INTEGER, amended_by TEXT,
      PRIMARY KEY(run_id, revision)) STRICT, WITHOUT ROWID;
    CREATE TABLE checkpoint(
      run_id INTEGER PRIMARY KEY REFERENCES run, format INTEGER NOT NULL, commit_sequence INTEGER NOT NULL,
      unix_us INTEGER NOT NULL, state BLOB NOT NULL) STRICT;

    """

  private static let measurements = """
    CREATE TABLE half_cycle(
      half_cycle_id INTEGER PRIMARY KEY, run_id INTEGER NOT NULL REFERENCES run, number INTEGER NOT NULL,
      cycle_number INTEGER, direction INTEGER NOT NULL, purpose TEXT, label TEXT, charge_nc INTEGER NOT NULL,
      reverse_charge_nc INTEGER NOT NULL DEFAULT 0, energy_nj INTEGER NOT NULL,
      constant_voltage_charge_nc INTEGER NOT NULL DEFAULT 0, device_charge_nc INTEGER, plateau_charge_nc INTEGER,
      gap_charge_nc INTEGER, end_reason TEXT, flags INTEGER NOT NULL, UNIQUE(run_id, number)) STRICT;
    CREATE TABLE step(
      step_id INTEGER PRIMARY KEY, run_id INTEGER NOT NULL REFERENCES run, step_count INTEGER NOT NULL,
      protocol_revision INTEGER NOT NULL, program_index INTEGER NOT NULL, program_path TEXT NOT NULL,
      kind TEXT NOT NULL, direction INTEGER NOT NULL,
      half_cycle_id INTEGER REFERENCES half_cycle DEFERRABLE INITIALLY DEFERRED, cycle_number INTEGER,
      started_unix_us INTEGER NOT NULL, started_test_time_us INTEGER NOT NULL, ended_test_time_us INTEGER,
      start_charge_nc INTEGER NOT NULL, current_range_pa INTEGER, end_reason TEXT,
      UNIQUE(run_id, step_count)) STRICT;
    CREATE TABLE record(
      step_id INTEGER NOT NULL, step_record_index INTEGER NOT NULL, step_time_us INTEGER NOT NULL,
      voltage_nv INTEGER, current_pa INTEGER, charge_nc INTEGER NOT NULL, energy_nj INTEGER NOT NULL,
      flags INTEGER NOT NULL, PRIMARY KEY(step_id, step_record_index)) STRICT, WITHOUT ROWID;
    CREATE TABLE auxiliary_record(
      step_id INTEGER NOT NULL, quantity TEXT NOT NULL, step_time_us INTEGER NOT NULL, value REAL NOT NULL,
      PRIMARY KEY(step_id, quantity, step_time_us)) STRICT, WITHOUT ROWID;

    """

  private static let results = """
    CREATE TABLE cycle(
      run_id INTEGER NOT NULL REFERENCES run, parameter_set_id INTEGER NOT NULL REFERENCES parameter_set,
      cycle_number INTEGER NOT NULL, cell_cycle_number INTEGER NOT NULL, purpose TEXT, label TEXT,
      charge_capacity_ah REAL, discharge_capacity_ah REAL, charge_energy_wh REAL, discharge_energy_wh REAL,
      coulombic_efficiency REAL, coulombic_efficiency_uncertainty REAL,
      sodiation_plateau_capacity_ah REAL, sodiation_plateau_ratio REAL,
      desodiation_plateau_capacity_ah REAL, desodiation_plateau_ratio REAL, flags INTEGER NOT NULL,
      PRIMARY KEY(run_id, parameter_set_id, cycle_number)) STRICT, WITHOUT ROWID;
    CREATE TABLE event(
      event_id INTEGER PRIMARY KEY, unix_us INTEGER NOT NULL, run_id INTEGER, channel_id INTEGER, step_id INTEGER,
      step_time_us INTEGER, code TEXT NOT NULL, severity INTEGER NOT NULL, actor TEXT NOT NULL, detail TEXT NOT NULL,
      acknowledged_by TEXT, acknowledged_unix_us INTEGER) STRICT;
    CREATE INDEX event_run ON event(run_id, event_id);

    """

  private static let views = """
    CREATE VIEW records_bdf AS
      SELECT s.run_id AS run_id,
        (s.started_test_time_us + r.step_time_us) / 1e6 AS "Test Time / s",
        r.voltage_nv / 1e9 AS "Voltage / V",
        r.current_pa / 1e12 AS "Current / A",
        (s.started_unix_us + r.step_time_us) / 1e6 AS "Unix Time / s",
        s.cycle_number AS "Cycle Count / 1",
        s.step_count AS "Step Count / 1",
        s.program_index AS "Step ID",
        s.kind AS "Step Type",
        r.step_time_us / 1e6 AS "Step Time / s",
        r.step_record_index + 1 AS "Step Record Index / 1",
        r.charge_nc / 3.6e12 AS "Step Net Capacity / Ah",
        r.energy_nj / 3.6e12 AS "Step Net Energy / Wh",
        (s.start_charge_nc + r.charge_nc) / 3.6e12 AS "Net Capacity / Ah",
        r.flags AS flags
      FROM step s JOIN record r USING(step_id);
    CREATE VIEW cycles_view AS
      SELECT c.run_id AS run_id, n.name AS cell, c.cycle_number AS cycle, c.cell_cycle_number AS cell_cycle,
        c.purpose AS purpose, c.label AS label,
        c.charge_capacity_ah * 1e3 AS charge_capacity_mAh,
        c.discharge_capacity_ah * 1e3 AS discharge_capacity_mAh,
        c.charge_capacity_ah * 1e9 / v.active_mass_ug AS charge_capacity_mAh_per_g,
        c.discharge_capacity_ah * 1e9 / v.active_mass_ug AS discharge_capacity_mAh_per_g,
        c.coulombic_efficiency * 100 AS coulombic_efficiency_percent,
        c.sodiation_plateau_capacity_ah * 1e3 AS sodiation_plateau_capacity_mAh,
        c.sodiation_plateau_ratio AS sodiation_plateau_ratio,
        c.desodiation_plateau_capacity_ah * 1e3 AS desodiation_plateau_capacity_mAh,
        c.desodiation_plateau_ratio AS desodiation_plateau_ratio,
        c.flags AS flags
      FROM cycle c
      JOIN run USING(run_id, parameter_set_id)
      JOIN cell n USING(cell_id)
      LEFT JOIN cell_revision v
        ON v.cell_id = n.cell_id
        AND v.revision = (SELECT max(revision) FROM cell_revision WHERE cell_id = n.cell_id);
    """
}
