// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// From a protocol as written to a program for one cell: every current in amperes, every block a loop in a flat list,
// every closed step's place in its half-cycle. All problems are collected here too.

public import CyclerModel
import Quantities

extension ProtocolDocument {
  /// Compiles the protocol for a cell.
  ///
  /// - Parameters:
  ///   - cell: What is known of the cell. A value that only the file carries is taken from the file; two different
  ///     values are a problem.
  ///   - instrument: What the instrument can do; nil leaves those rules out (they are judged when one is chosen).
  public func compile(cell: CellValues, instrument: InstrumentLimits?) -> Result<Program, ProtocolProblems> {
    var compiler = Compiler(document: self, instrument: instrument)
    let program = compiler.compile(registered: cell)
    if let found = ProtocolProblems(compiler.problems) { return .failure(found) }
    guard let program else { preconditionFailure("a protocol did not compile and nobody said why") }
    return .success(program)
  }
}

/// Compiles one document for one cell.
struct Compiler {
  let document: ProtocolDocument
  let instrument: InstrumentLimits?
  var problems: [ProtocolProblem] = []
  var values = CellValues()
  /// The limits, once they are known in amperes.
  var limits: SafetyLimits?
  /// The voltage limits of the step that is compiled.
  var voltageLimits: WrittenLimits.VoltageLimits
  /// The tests of plating that were met.
  var tests: [EfficiencyTest] = []

  init(document: ProtocolDocument, instrument: InstrumentLimits?) {
    self.document = document
    voltageLimits = document.limits.voltage
    self.instrument = instrument
  }

  mutating func report(_ site: Site, _ message: String, hint: String) {
    problems.append(site.problem(message, hint: hint))
  }

  mutating func compile(registered: CellValues) -> Program? {
    values = merge(registered)
    for requirement in document.cell.requires where !has(requirement.value) {
      report(
        requirement.site, "the cell brings no `\(requirement.value.rawValue)`", hint: Self.hint(for: requirement.value))
    }
    limits = compileLimits()
    if let instrument {
      judgeRecord(instrument)
      judgeLimits(instrument)
    }
    var tree = buildAll(document.steps)
    guard problems.isEmpty, let limits else { return nil }
    for index in tree.indices { tree[index].shareRange() }
    let flat = FlatProgram(tree)
    return Program(
      title: document.title, role: document.role, steps: flat.steps, instructions: flat.instructions,
      passConditions: flat.passConditions, tests: tests, loopCount: flat.loopCount,
      expectOpenCircuit: document.cell.expectOpenCircuit, limits: limits,
      record: document.record, metrics: document.metrics, onInterruption: document.onInterruption,
      cycleCount: tree.reduce(0) { $0 + $1.cycleCount })
  }

  // MARK: The cell's values

  private mutating func merge(_ registered: CellValues) -> CellValues {
    CellValues(
      activeMass: merge(registered.activeMass, document.cell.activeMass, "active mass"),
      area: merge(registered.area, document.cell.area, "area"),
      nominalCapacity: merge(registered.nominalCapacity, document.cell.nominalCapacity, "nominal capacity"))
  }

  private mutating func merge<Quantity: WrittenQuantity>(
    _ registered: Quantity?, _ written: Sited<Quantity>?, _ name: String
  ) -> Quantity? {
    guard let registered, let written, registered != written.value else { return registered ?? written?.value }
    report(
      written.site, "the file says \(written.value.written), the cell has \(registered.written)",
      hint: "correct one of them, the file or what the cell was registered or started with: the \(name) is not guessed")
    return registered
  }

  private func has(_ basis: CellBasis) -> Bool {
    switch basis {
    case .activeMass: values.activeMass != nil
    case .area: values.area != nil
    case .nominalCapacity: values.nominalCapacity != nil
    }
  }

  private static func hint(for basis: CellBasis) -> String {
    switch basis {
    case .activeMass: #"register the cell with its active mass, start with `--mass`, or write "active_mass" in `cell`"#
    case .area: #"register the cell with its area, start with `--area`, or write "area" in `cell`"#
    case .nominalCapacity:
      #"register the cell with its nominal capacity, start with `--nominal-capacity`, "#
        + #"or write "nominal_capacity" in `cell`"#
    }
  }

  mutating func resolve(_ current: Sited<CurrentExpression>) -> Current? {
    do {
      let resolved = try current.value.resolved(
        activeMass: values.activeMass, area: values.area, nominalCapacity: values.nominalCapacity)
      if resolved > .zero { return resolved }
      report(
        current.site, "`\(current.value.written)` is less than a picoampere for this cell", hint: "check the units")
    } catch {
      reportUnresolved(current.value.written, error, at: current.site)
    }
    return nil
  }

  mutating func resolve(_ charge: Sited<ChargeExpression>) -> Charge? {
    do {
      let resolved = try charge.value.resolved(activeMass: values.activeMass, area: values.area)
      if resolved > .zero { return resolved }
      report(charge.site, "`\(charge.value.written)` is less than a nanocoulomb for this cell", hint: "check the units")
    } catch {
      reportUnresolved(charge.value.written, error, at: charge.site)
    }
    return nil
  }

  private mutating func reportUnresolved(_ text: String, _ problem: ResolutionProblem, at site: Site) {
    switch problem {
    case .missing(let basis):
      report(site, "`\(text)` needs the cell's `\(basis.rawValue)`", hint: Self.hint(for: basis))
    case .tooLarge:
      report(site, "`\(text)` is too large for this cell", hint: "check the units of the value and of the cell")
    }
  }

  // MARK: Limits

  private mutating func compileLimits() -> SafetyLimits? {
    let written = document.limits
    let charge = compile(written.charge)
    let discharge = compile(written.discharge)
    let most = resolve(written.halfCycleCharge)
    let empty = written.emptyBelow.map { resolve($0) }
    guard let charge, let discharge, let most else { return nil }
    // Half a per cent of the nominal capacity, or of the most that a half-cycle may move (hazard rule 10).
    let emptyBelow = empty ?? (values.nominalCapacity ?? most) / 200
    guard let emptyBelow else { return nil }
    if emptyBelow >= most, let site = written.emptyBelow?.site {
      report(site, "every half-cycle would be empty", hint: "less than `half_cycle_charge.max`, \(most.shown())")
    }
    let voltage = written.voltage
    var limits = SafetyLimits(
      lowerVoltage: SoftHardLimit(
        soft: voltage.low.value.count, hard: voltage.hardLow.value.count, tolerance: voltage.tolerance),
      upperVoltage: SoftHardLimit(
        soft: voltage.high.value.count, hard: voltage.hardHigh.value.count, tolerance: voltage.tolerance),
      chargeCurrent: charge, dischargeCurrent: discharge, halfCycleCharge: most, emptyHalfCycleBelow: emptyBelow,
      emptyHalfCyclesInARow: written.emptyInARow, temperature: written.temperature)
    limits.endingRun.set(.voltage, to: voltage.action)
    limits.endingRun.set(.chargeCurrent, to: written.charge.action)
    limits.endingRun.set(.dischargeCurrent, to: written.discharge.action)
    limits.endingRun.set(.halfCycleCharge, to: written.halfCycleAction)
    limits.endingRun.set(.temperature, to: written.temperature?.action)
    limits.endingRun.set(.emptyHalfCycles, to: written.emptyAction)
    return limits
  }

  mutating func compile(_ limit: WrittenLimits.CurrentLimit) -> SoftHardLimit? {
    guard let soft = resolve(limit.soft) else { return nil }
    var hard = soft.count.multipliedReportingOverflow(by: 2).partialValue
    if let written = limit.hard {
      guard let resolved = resolve(written) else { return nil }
      if resolved < soft {
        report(written.site, "the hard limit is below the soft one", hint: "at least \(limit.soft.value.written)")
      }
      hard = resolved.count
    }
    guard hard >= soft.count else {
      report(limit.soft.site, "the limit is too large", hint: "check the units")
      return nil
    }
    return SoftHardLimit(soft: soft.count, hard: hard, tolerance: limit.tolerance)
  }
}
