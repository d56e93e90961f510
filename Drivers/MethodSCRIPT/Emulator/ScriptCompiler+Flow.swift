// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

extension ScriptCompiler {
  /// Compiles conditions, loops and labels; false when the command is none of them.
  mutating func compileFlow(_ command: ScriptWord) throws(ScriptRefusal) -> Bool {
    switch command.text {
    case "if":
      try open(.condition(test: try branch(), exits: []), at: command)
    case "elseif": try compileElse(command, isConditional: true)
    case "else": try compileElse(command, isConditional: false)
    case "endif": try compileEndIf(command)
    case "loop":
      emit(.beginLoop)
      let left = try source()
      let relation = try relation()
      let right = try source()
      try open(.loop(test: emit(.testLoop(relation, left, right, exit: 0)), exits: []), at: command)
    case "endloop": try compileEndLoop(command)
    case "breakloop": try compileBreak(command)
    case "meas_loop_cp", "meas_loop_ca", "meas_loop_ocp", "meas_loop_lsv", "meas_loop_eis":
      try compileMeasurement(command)
    case "abort": emit(.abort)
    case "on_finished:":
      guard scopes.isEmpty, script.onFinished == nil else { throw line.refusal(.wrongScope, at: command) }
      script.onFinished = Int(here)
    default: return false
    }
    return true
  }

  private mutating func open(_ scope: Scope, at command: ScriptWord) throws(ScriptRefusal) {
    guard scopes.count < Self.deepestScope else { throw line.refusal(.scopeTooDeep, at: command) }
    scopes.append(scope)
  }

  private mutating func branch() throws(ScriptRefusal) -> Int {
    let left = try source()
    let relation = try relation()
    let right = try source()
    return emit(.branch(relation, left, right, otherwise: 0))
  }

  private mutating func compileElse(_ command: ScriptWord, isConditional: Bool) throws(ScriptRefusal) {
    guard case .condition(let test?, var exits)? = scopes.popLast() else {
      throw line.refusal(.wrongScope, at: command)
    }
    exits.append(emit(.jump(0)))
    aim(test, at: here)
    scopes.append(.condition(test: isConditional ? try branch() : nil, exits: exits))
  }

  private mutating func compileEndIf(_ command: ScriptWord) throws(ScriptRefusal) {
    guard case .condition(let test, let exits)? = scopes.popLast() else {
      throw line.refusal(.wrongScope, at: command)
    }
    if let test { aim(test, at: here) }
    for exit in exits { aim(exit, at: here) }
  }

  private mutating func compileEndLoop(_ command: ScriptWord) throws(ScriptRefusal) {
    switch scopes.popLast() {
    case nil, .condition: throw line.refusal(.wrongScope, at: command)
    case .loop(let test, let exits):
      emit(.jump(Int32(test)))
      aim(test, at: here)
      for exit in exits { aim(exit, at: here) }
      emit(.endLoop)
    case .measurement(let head, let exits):
      emit(.jump(Int32(head)))
      aim(head, at: here)
      for exit in exits { aim(exit, at: here) }
      emit(.endMeasurement)
    }
  }

  /// `breakloop` leaves the innermost loop, through any conditions in between.
  private mutating func compileBreak(_ command: ScriptWord) throws(ScriptRefusal) {
    for position in scopes.indices.reversed() {
      switch scopes[position] {
      case .condition: continue
      case .loop(let test, let exits):
        scopes[position] = .loop(test: test, exits: exits + [emit(.breakLoop(0))])
      case .measurement(let head, let exits):
        scopes[position] = .measurement(head: head, exits: exits + [emit(.breakLoop(0))])
      }
      return
    }
    throw line.refusal(.notHere, at: command)
  }

  private mutating func compileMeasurement(_ command: ScriptWord) throws(ScriptRefusal) {
    guard command.text != "meas_loop_cp" || profile.hasGalvanostat else {
      throw line.refusal(.unknownCommand, at: command)
    }
    guard command.text != "meas_loop_eis" || profile.hasImpedance else {
      throw line.refusal(.unsupported, at: command)
    }
    try refuseInMeasurementLoop(command, .nestedMeasurementLoop)
    var loop = command.text == "meas_loop_eis" ? try impedanceArguments() : try measurementArguments(command)
    while let word = line.optionalWord() { try addOption(word, to: &loop) }
    script.loops.append(loop)
    let index = Int32(script.loops.count - 1)
    emit(.beginMeasurement(index))
    let head = emit(.awaitSample(exit: 0))
    emit(.sample(index))
    try open(.measurement(head: head, exits: []), at: command)
  }

  private mutating func measurementArguments(_ command: ScriptWord) throws(ScriptRefusal) -> MeasurementLoop {
    let positive: (Double) -> ErrorCode? = { $0 > 0 ? nil : .mustBePositive }
    let largestCurrent = profile.largestCurrent
    let largestVoltage = profile.largestVoltage
    let potential = try destination()
    guard command.text != "meas_loop_ocp" else {
      return MeasurementLoop(
        technique: .openCircuit, potential: potential, current: nil, setValue: nil,
        interval: try number(check: positive), runTime: try number(check: positive))
    }
    let isGalvanostatic = command.text == "meas_loop_cp"
    let current = try destination()
    let setValue = try number { value in
      if isGalvanostatic { return value.magnitude <= largestCurrent ? nil : .outOfBounds }
      return value.magnitude <= largestVoltage ? nil : .invalidPotential
    }
    if command.text == "meas_loop_lsv" {
      let end = try number { $0.magnitude <= largestVoltage ? nil : .invalidPotential }
      return MeasurementLoop(
        technique: .linearSweep, potential: potential, current: current, setValue: setValue,
        interval: try number(check: positive), runTime: try number(check: positive), sweepEnd: end)
    }
    return MeasurementLoop(
      technique: isGalvanostatic ? .potentiometry : .amperometry, potential: potential, current: current,
      setValue: setValue, interval: try number(check: positive), runTime: try number(check: positive))
  }

  /// `meas_loop_eis f z_real z_imaginary amplitude f_start f_end count potential`.
  private mutating func impedanceArguments() throws(ScriptRefusal) -> MeasurementLoop {
    let profile = profile
    let frequency = try destination()
    let (real, imaginary) = (try destination(), try destination())
    let amplitude = try number { $0 <= 0 ? .mustBePositive : $0 > profile.largestAmplitude ? .outOfBounds : nil }
    let isReached: (Double) -> ErrorCode? = {
      $0 <= 0 ? .mustBePositive : $0 > profile.highestFrequency ? .outOfBounds : nil
    }
    let (start, end) = (try number(check: isReached), try number(check: isReached))
    let count = try source()
    let potential = try number { $0.magnitude <= profile.largestVoltage ? nil : .invalidPotential }
    return MeasurementLoop(
      technique: .impedance, potential: frequency, current: nil, setValue: potential, interval: amplitude,
      runTime: amplitude,
      spectrum: MeasurementLoop.Spectrum(
        real: real, imaginary: imaginary, amplitude: amplitude, start: start, end: end, count: count))
  }

  /// `time(t)` or `add_meas(channel type variable)`.
  private mutating func addOption(_ word: ScriptWord, to loop: inout MeasurementLoop) throws(ScriptRefusal) {
    guard let inner = Self.inner(of: word, named: ["time", "add_meas"]) else {
      throw line.refusal(
        word.text.contains("(") ? .invalidOptionalArgument : .extraArgument, at: word)
    }
    let outer = line
    line = try ScriptLine(
      Array(repeating: 0x20, count: inner.column - 1) + Array(inner.text.utf8), number: outer.number)
    if word.text.hasPrefix("time(") {
      loop.time = try destination()
    } else {
      let (channel, place) = try literalOnly()
      guard channel.asNumber == 0 else { throw line.refusal(.unknownChannel, at: place) }
      let quantity = try measuredQuantity()
      loop.additions.append(MeasurementLoop.Addition(quantity: quantity, into: try destination()))
    }
    try line.end()
    line = outer
  }

  /// What stands between the parentheses of an optional argument with one of the names, or nil.
  static func inner(of word: ScriptWord, named names: [String]) -> ScriptWord? {
    for name in names where word.text.hasPrefix(name + "(") && word.text.hasSuffix(")") {
      let start = name.utf8.count + 1
      return ScriptWord(text: String(word.text.dropFirst(start).dropLast()), column: word.column + start)
    }
    return nil
  }
}
