// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Reads a script as the instrument does before it runs anything, and refuses with line and column what the instrument
// would refuse: unknown commands, undeclared or duplicate variables, wrong arguments, wrong scopes, oversized lines.
// What depends on the state of the instrument (its mode, the cell, a value of a variable) is checked while it runs.

/// Turns the text of a script into instructions.
struct ScriptCompiler {
  /// Bytes of script memory. The true figure of the instruments is not known to us.
  static let largestScript = 16_384
  /// Bytes of a line, without its line feed.
  static let longestLine = 127
  /// Values in variables and arrays together.
  static let variableMemory = 65_536
  /// Scopes inside each other.
  static let deepestScope = 16
  /// Bytes of a name.
  static let longestName = 32

  /// An open `if` or loop.
  enum Scope {
    /// `test` is the branch whose target is not known yet, nil after `else`; `exits` jump to the end.
    case condition(test: Int?, exits: [Int])
    case loop(test: Int, exits: [Int])
    case measurement(head: Int, exits: [Int])
  }
  /// What a name stands for.
  enum Name {
    case variable(slot: Int32)
    case array(slot: Int32, count: Int32)
  }

  let profile: MethodSCRIPTProfile
  var script = CompiledScript()
  var names: [String: Name] = [:]
  var scopes: [Scope] = []
  var line: ScriptLine

  /// Compiles lines that come without their line feeds.
  static func compile(_ lines: [[UInt8]], for profile: MethodSCRIPTProfile) throws(ScriptRefusal) -> CompiledScript {
    var size = 0
    for (index, bytes) in lines.enumerated() {
      size += bytes.count + 1
      guard bytes.count <= longestLine else {
        throw ScriptRefusal(code: .lineTooLong, line: index + 1, column: longestLine + 1)
      }
      guard size <= largestScript else { throw ScriptRefusal(code: .scriptTooLarge, line: index + 1, column: 1) }
    }
    var compiler = ScriptCompiler(profile: profile, line: try ScriptLine([], number: 1))
    for (index, bytes) in lines.enumerated() {
      compiler.line = try ScriptLine(bytes, number: index + 1)
      if !compiler.line.isEmpty { try compiler.compileLine() }
    }
    guard compiler.scopes.isEmpty else {
      throw ScriptRefusal(code: .endedUnexpectedly, line: lines.count, column: (lines.last?.count ?? 0) + 1)
    }
    compiler.emit(.finish)
    return compiler.script
  }

  private init(profile: MethodSCRIPTProfile, line: ScriptLine) {
    self.profile = profile
    self.line = line
  }

  private mutating func compileLine() throws(ScriptRefusal) {
    let command = try line.word()
    var isKnown = try compileFlow(command)
    if !isKnown { isKnown = try compileVariables(command) }
    if !isKnown { isKnown = try compileHardware(command) }
    if !isKnown { isKnown = try compileOutput(command) }
    guard isKnown else {
      throw line.refusal(Self.unemulatedCommands.contains(command.text) ? .unsupported : .unknownCommand, at: command)
    }
    try line.end()
  }

  /// Commands of the language that this emulator does not carry out.
  private static let unemulatedCommands: Set<String> = [
    "meas_loop_cv", "meas_loop_dpv", "meas_loop_swv", "meas_loop_npv", "meas_loop_pad",
    "meas_loop_lsp", "meas_loop_geis", "meas_loop_acv", "meas_fast_cv", "meas_fast_ca", "meas_scp",
    "meas_ms_eis", "set_int", "await_int", "get_time", "set_gpio", "get_gpio", "set_gpio_cfg", "set_gpio_pullup",
    "set_gpio_msk", "get_gpio_msk", "set_poly_we_mode", "file_open", "file_close", "i2c_config", "i2c_read",
    "i2c_write", "i2c_read_byte", "i2c_write_byte", "i2c_write_read", "hibernate", "set_channel_sync", "mux_config",
    "mux_get_channel_count", "mux_set_channel", "set_e_aux", "set_ir_comp", "set_acquisition_frac", "notify_led",
    "set_scan_dir", "smooth", "peak_detect", "set_bipot_mode", "set_bipot_potential", "rtc_get", "beep", "pow_var",
    "log_var", "subarray", "linear_fit", "mean", "trim_enable", "str", "store_str", "get_progress",
  ]
}

// MARK: - Emitting

extension ScriptCompiler {
  /// Appends an instruction that belongs to the present line and returns its index.
  @discardableResult mutating func emit(_ instruction: Instruction) -> Int {
    script.instructions.append(instruction)
    script.lines.append(Int32(line.number))
    return script.instructions.count - 1
  }

  /// Where the next instruction will be.
  var here: Int32 { Int32(script.instructions.count) }

  /// Gives a jump that was emitted earlier its target.
  mutating func aim(_ index: Int, at target: Int32) {
    let old = script.instructions[index]
    if case .branch(let relation, let left, let right, _) = old {
      script.instructions[index] = .branch(relation, left, right, otherwise: target)
    } else if case .testLoop(let relation, let left, let right, _) = old {
      script.instructions[index] = .testLoop(relation, left, right, exit: target)
    } else if case .jump = old {
      script.instructions[index] = .jump(target)
    } else if case .breakLoop = old {
      script.instructions[index] = .breakLoop(target)
    } else if case .awaitSample = old {
      script.instructions[index] = .awaitSample(exit: target)
    } else {
      preconditionFailure("instruction \(index) is no jump")
    }
  }

  /// Whether the present line stands inside a measurement loop.
  var isInMeasurementLoop: Bool { measurementHead != nil }

  /// The first instruction of the measurement loop around the present line.
  var measurementHead: Int? {
    for scope in scopes {
      if case .measurement(let head, _) = scope { return head }
    }
    return nil
  }

  /// Refuses a command inside a measurement loop.
  func refuseInMeasurementLoop(_ command: ScriptWord, _ code: ErrorCode = .notInMeasurementLoop) throws(ScriptRefusal) {
    if isInMeasurementLoop { throw line.refusal(code, at: command) }
  }
}
