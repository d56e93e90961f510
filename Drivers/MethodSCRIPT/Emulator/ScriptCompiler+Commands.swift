// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

extension ScriptCompiler {
  /// Compiles declarations and arithmetic; false when the command is none of them.
  mutating func compileVariables(_ command: ScriptWord) throws(ScriptRefusal) -> Bool {
    switch command.text {
    case "var":
      let name = try newName()
      names[name] = .variable(slot: try reserve(1, at: command))
      emit(.nothing)
    case "array":
      let name = try newName()
      let (size, word) = try literalOnly()
      guard size.asNumber >= 1, size.asNumber == size.asNumber.rounded() else {
        throw line.refusal(.mustBePositive, at: word)
      }
      guard size.asNumber <= Double(Self.variableMemory) else { throw line.refusal(.outOfVariableMemory, at: word) }
      let count = Int32(size.asNumber)
      names[name] = .array(slot: try reserve(count, at: word), count: count)
      emit(.nothing)
    case "store_var":
      let destination = try destination()
      let (value, _) = try literalOnly()
      let from = slot(for: value)
      emit(.store(destination, from: from, try variableType().0))
    case "copy_var":
      let from = try source()
      emit(.copy(from, to: try destination()))
    case "array_set":
      let (slot, count) = try array()
      let element = Operand(slot: slot, indexSlot: try indexArgument(count), count: count)
      emit(.copy(try source(), to: element))
    case "array_get":
      let (slot, count) = try array()
      let element = Operand(slot: slot, indexSlot: try indexArgument(count), count: count)
      emit(.copy(element, to: try destination()))
    case "alter_vartype":
      let destination = try destination()
      emit(.retype(destination, try variableType().0))
    default: return try compileArithmetic(command)
    }
    return true
  }

  private mutating func compileArithmetic(_ command: ScriptWord) throws(ScriptRefusal) -> Bool {
    switch command.text {
    case "add_var": try arithmetic(.add)
    case "sub_var": try arithmetic(.subtract)
    case "mul_var": try arithmetic(.multiply)
    case "div_var": try arithmetic(.divide)
    case "mod_var": try arithmetic(.remainder)
    case "bit_and_var": try arithmetic(.and)
    case "bit_or_var": try arithmetic(.or)
    case "bit_xor_var": try arithmetic(.exclusiveOr)
    case "bit_lsl_var": try arithmetic(.shiftLeft)
    case "bit_lsr_var": try arithmetic(.shiftRight)
    case "bit_inv_var": emit(.convert(.invertBits, try destination()))
    case "int_to_float": emit(.convert(.integerToNumber, try destination()))
    case "float_to_int": emit(.convert(.numberToInteger, try destination()))
    case "float_to_int_round": emit(.convert(.numberToNearestInteger, try destination()))
    default: return false
    }
    return true
  }

  private mutating func arithmetic(_ operation: Operation) throws(ScriptRefusal) {
    let destination = try destination()
    emit(.arithmetic(operation, destination, try source()))
  }

  private mutating func indexArgument(_ count: Int32) throws(ScriptRefusal) -> Int32 {
    let operand = try source()
    guard operand.indexSlot < 0 else { throw ScriptRefusal(code: .malformedElement, line: line.number, column: 1) }
    return operand.slot
  }

  private mutating func reserve(_ count: Int32, at word: ScriptWord) throws(ScriptRefusal) -> Int32 {
    let slot = script.initialValues.count
    guard slot + Int(count) <= Self.variableMemory else { throw line.refusal(.outOfVariableMemory, at: word) }
    script.initialValues.append(contentsOf: repeatElement(ScriptValue(0), count: Int(count)))
    return Int32(slot)
  }

  /// Compiles what concerns the potentiostat and time; false when the command is none of it.
  mutating func compileHardware(_ command: ScriptWord) throws(ScriptRefusal) -> Bool {
    switch command.text {
    case "set_pgstat_chan":
      try refuseInMeasurementLoop(command)
      let (channel, word) = try literalOnly()
      guard channel.asNumber == 0 else { throw line.refusal(.unknownChannel, at: word) }
      emit(.nothing)
    case "set_pgstat_mode":
      try refuseInMeasurementLoop(command)
      let (value, word) = try literalOnly()
      guard let number = Int(exactly: value.asNumber), let mode = PotentiostatMode(rawValue: number),
        mode != .galvanostat || profile.hasGalvanostat
      else { throw line.refusal(.unsupportedMode, at: word) }
      emit(.setMode(mode))
    case "set_max_bandwidth": emit(.setBandwidth(try number { $0 < 0 ? .mustNotBeNegative : nil }))
    case "set_acquisition_frac_autoadjust":
      let (value, word) = try literalOnly()
      guard value.asNumber == 50 || value.asNumber == 60 else { throw line.refusal(.outOfBounds, at: word) }
      emit(.nothing)
    case "set_e":
      try refuseInMeasurementLoop(command, .potentialInLoop)
      let largest = profile.largestVoltage
      emit(.setVoltage(try number { $0.magnitude <= largest ? nil : .invalidPotential }))
    case "set_i":
      guard profile.hasGalvanostat else { throw line.refusal(.unknownCommand, at: command) }
      try refuseInMeasurementLoop(command, .currentInLoop)
      let largest = profile.largestCurrent
      emit(.setCurrent(try number { $0.magnitude <= largest ? nil : .outOfBounds }))
    case "cell_on": try compileCellOn(command)
    case "cell_off":
      try refuseInMeasurementLoop(command)
      emit(.cellOff)
    case "meas":
      try refuseInMeasurementLoop(command)
      let duration = try number { $0 > 0 ? nil : .mustBePositive }
      let destination = try destination()
      let quantity = try measuredQuantity()
      emit(.awaitMeasurement(duration))
      emit(.measure(quantity, into: destination))
    case "wait": emit(.wait(try number { $0 < 0 ? .mustNotBeNegative : nil }))
    case "timer_start": emit(.startTimer)
    case "timer_get": emit(.getTimer(try destination()))
    default: return try compileRange(command)
    }
    return true
  }

  /// `cell_on`, or `cell_on ocp(potential)` where the instrument has it.
  private mutating func compileCellOn(_ command: ScriptWord) throws(ScriptRefusal) {
    try refuseInMeasurementLoop(command)
    if let word = line.optionalWord() {
      guard profile.startsAtOpenCircuit, let inner = Self.inner(of: word, named: ["ocp"]) else {
        throw line.refusal(word.text.contains("(") ? .invalidOptionalArgument : .extraArgument, at: word)
      }
      _ = try named(inner)
    }
    emit(.cellOn)
  }

  private mutating func compileRange(_ command: ScriptWord) throws(ScriptRefusal) -> Bool {
    guard ["set_range", "set_range_minmax", "set_autoranging"].contains(command.text) else { return false }
    let quantity = try rangedQuantity()
    switch quantity {
    case .measuredPotential, .measuredCurrent: break
    case .appliedPotential: try refuseInMeasurementLoop(command, .potentialInLoop)
    case .appliedCurrent:
      guard profile.hasGalvanostat else { throw line.refusal(.unsupported, at: command) }
      try refuseInMeasurementLoop(command, .currentInLoop)
    }
    let first = try number()
    switch command.text {
    case "set_range_minmax": emit(.setRange(quantity, low: first, high: try number()))
    case "set_autoranging": emit(.setAutoranging(quantity, low: first, high: try number()))
    default: emit(.setRange(quantity, low: first, high: first))
    }
    return true
  }

  /// Compiles what is sent to the host; false when the command is none of it.
  mutating func compileOutput(_ command: ScriptWord) throws(ScriptRefusal) -> Bool {
    switch command.text {
    case "pck_start": emit(.beginPackage)
    case "pck_add": emit(.addToPackage(try source()))
    case "pck_end": emit(.endPackage)
    case "send_string":
      script.texts.append(try text())
      emit(.send(Int32(script.texts.count - 1)))
    case "set_script_output":
      let (value, word) = try literalOnly()
      switch value.asNumber {
      case 0: emit(.setOutput(false))
      case 1, 3: emit(.setOutput(true))
      default: throw line.refusal(.unknownOutputMode, at: word)
      }
    default: return false
    }
    return true
  }

  /// `"…"` as it stands, or `f"…{variable}…"`.
  private mutating func text() throws(ScriptRefusal) -> [TextPart] {
    let word = try line.word()
    let isInterpolated = word.text.hasPrefix("f\"")
    let body = word.text.dropFirst(isInterpolated ? 2 : 1)
    guard word.text.hasPrefix("\"") || isInterpolated, body.last == "\"",
      body.dropLast().firstIndex(of: "\"") == nil
    else { throw line.refusal(.unexpectedCharacter, at: word) }
    var rest = body.dropLast()
    guard isInterpolated else { return [.literal(Array(rest.utf8))] }
    var parts: [TextPart] = []
    while let brace = rest.firstIndex(of: "{") {
      parts.append(.literal(Array(rest[..<brace].utf8)))
      rest = rest[rest.index(after: brace)...]
      guard let end = rest.firstIndex(of: "}") else { throw line.refusal(.openBrace, at: word) }
      let name = ScriptWord(text: String(rest[..<end]), column: word.column)
      parts.append(.value(try named(name)))
      rest = rest[rest.index(after: end)...]
    }
    parts.append(.literal(Array(rest.utf8)))
    return parts
  }
}
