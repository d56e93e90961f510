// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Statements.

extension LuaCompiler {
  /// Statements until one of these words.
  mutating func block(until ends: Set<String>) throws(LuaSyntaxError) {
    let locals = scopes[scopes.count - 1].locals.count
    let slot = scopes[scopes.count - 1].nextSlot
    while word != .end {
      if case .keyword(let keyword) = word, ends.contains(keyword) { break }
      let isLast = word == .keyword("return") || word == .keyword("break")
      try statement()
      while take(.mark(";")) {}
      if isLast { break }
    }
    closeScope(locals, slot)
  }

  private mutating func statement() throws(LuaSyntaxError) {
    guard case .keyword(let keyword) = word else { return try assignmentOrCall() }
    place += 1
    switch keyword {
    case "if": try condition()
    case "while": try whileLoop()
    case "repeat": try repeatLoop()
    case "for": try forLoop()
    case "do":
      try block(until: ["end"])
      try expect(.keyword("end"))
    case "function": try namedFunction()
    case "local": try localStatement()
    case "return":
      emit(.mark)
      if !isAtEndOfBlock { try expressions(count: nil) }
      emit(.giveBack)
    case "break":
      guard !scopes[scopes.count - 1].breaks.isEmpty else { throw LuaSyntaxError(words: "no loop to break") }
      let jump = emitJump { .jump($0) }
      scopes[scopes.count - 1].breaks[scopes[scopes.count - 1].breaks.count - 1].append(jump)
    default:
      place -= 1
      throw unexpected()
    }
  }

  private var isAtEndOfBlock: Bool {
    switch word {
    case .end, .mark(";"), .keyword("end"), .keyword("else"), .keyword("elseif"), .keyword("until"): true
    default: false
    }
  }

  private mutating func condition() throws(LuaSyntaxError) {
    var ends: [Int] = []
    repeat {
      try expression()
      try expect(.keyword("then"))
      let otherwise = emitJump { .jumpIfFalse($0) }
      try block(until: ["else", "elseif", "end"])
      if word != .keyword("end") { ends.append(emitJump { .jump($0) }) }
      land(otherwise)
    } while take(.keyword("elseif"))
    if take(.keyword("else")) { try block(until: ["end"]) }
    try expect(.keyword("end"))
    for jump in ends { land(jump) }
  }

  // MARK: Loops

  private mutating func loopBody(until end: String) throws(LuaSyntaxError) {
    scopes[scopes.count - 1].breaks.append([])
    try block(until: [end])
    try expect(.keyword(end))
  }

  private mutating func endLoop() {
    for jump in scopes[scopes.count - 1].breaks.removeLast() { land(jump) }
  }

  private mutating func whileLoop() throws(LuaSyntaxError) {
    let start = image.code.count
    try expression()
    try expect(.keyword("do"))
    let exit = emitJump { .jumpIfFalse($0) }
    try loopBody(until: "end")
    emit(.jump(start))
    land(exit)
    endLoop()
  }

  private mutating func repeatLoop() throws(LuaSyntaxError) {
    let start = image.code.count
    try loopBody(until: "until")
    try expression()
    emit(.jumpIfFalse(start))
    endLoop()
  }

  private mutating func forLoop() throws(LuaSyntaxError) {
    let locals = scopes[scopes.count - 1].locals.count
    let slot = scopes[scopes.count - 1].nextSlot
    var names = [try name()]
    if take(.mark("=")) {
      try numericLoop(names[0])
    } else {
      while take(.mark(",")) { names.append(try name()) }
      try expect(.keyword("in"))
      try genericLoop(names)
    }
    closeScope(locals, slot)
    endLoop()
  }

  private mutating func numericLoop(_ name: String) throws(LuaSyntaxError) {
    try expression()
    try expect(.mark(","))
    try expression()
    if take(.mark(",")) { try expression() } else { emit(.constant(.number(1))) }
    let slot = addLocal(name)
    for hidden in ["(limit)", "(step)"] { _ = addLocal(hidden) }
    for place in [slot + 2, slot + 1, slot] { emit(.setLocal(place)) }
    try expect(.keyword("do"))
    let start = image.code.count
    emit(.testLoop(slot: slot, exit: 0))
    try loopBody(until: "end")
    emit(.advanceLoop(slot: slot, start: start))
    land(start)
  }

  /// `for k, v in f, s, k do`: f(s, k) until it gives nil.
  private mutating func genericLoop(_ names: [String]) throws(LuaSyntaxError) {
    try expressions(count: 3)
    let iterator = addLocal("(iterator)")
    let state = addLocal("(state)")
    let first = addLocal(names[0])
    for name in names.dropFirst() { _ = addLocal(name) }
    for place in [first, state, iterator] { emit(.setLocal(place)) }
    try expect(.keyword("do"))
    let start = image.code.count
    emit(.getLocal(iterator))
    emit(.mark)
    emit(.getLocal(state))
    emit(.getLocal(first))
    emit(.call(results: names.count))
    for place in (first..<first + names.count).reversed() { emit(.setLocal(place)) }
    emit(.getLocal(first))
    emit(.constant(.none))
    emit(.operation(.unequal))
    let exit = emitJump { .jumpIfFalse($0) }
    try loopBody(until: "end")
    emit(.jump(start))
    land(exit)
  }

  // MARK: Names

  private mutating func namedFunction() throws(LuaSyntaxError) {
    let first = try name()
    guard word == .mark(".") else {
      try function()
      return try setVariable(first)
    }
    try getVariable(first)
    while take(.mark(".")) {
      emit(.constant(.text(try name())))
      if word == .mark(".") { emit(.getIndex) }
    }
    try function()
    emit(.setIndex)
  }

  private mutating func localStatement() throws(LuaSyntaxError) {
    if take(.keyword("function")) {
      let slot = addLocal(try name())
      try function()
      return emit(.setLocal(slot))
    }
    var names = [try name()]
    while take(.mark(",")) { names.append(try name()) }
    if take(.mark("=")) {
      try expressions(count: names.count)
    } else {
      for _ in names { emit(.constant(.none)) }
    }
    // Its own value does not see it.
    let slots = names.map { addLocal($0) }
    for slot in slots.reversed() { emit(.setLocal(slot)) }
  }

  func variable(_ name: String) throws(LuaSyntaxError) -> Int? { try local(name) }

  mutating func getVariable(_ name: String) throws(LuaSyntaxError) {
    if let slot = try local(name) { emit(.getLocal(slot)) } else { emit(.getGlobal(image.place(of: name))) }
  }

  private mutating func setVariable(_ name: String) throws(LuaSyntaxError) {
    if let slot = try local(name) { emit(.setLocal(slot)) } else { emit(.setGlobal(image.place(of: name))) }
  }

  // MARK: Assignments and calls

  private mutating func assignmentOrCall() throws(LuaSyntaxError) {
    var targets: [Suffixed] = [try suffixed()]
    if targets[0] == .call {
      image.code[image.code.count - 1] = .call(results: 0)
      return
    }
    while take(.mark(",")) { targets.append(try suffixed()) }
    try expect(.mark("="))
    guard !targets.contains(.call), !targets.contains(.value) else {
      throw LuaSyntaxError(words: "cannot assign to the result of a call")
    }
    try expressions(count: targets.count)
    if targets.count == 1 { return try assign(targets[0]) }
    let locals = scopes[scopes.count - 1].locals.count
    let first = scopes[scopes.count - 1].nextSlot
    let slots = targets.map { _ in addLocal("(value)") }
    for slot in slots.reversed() { emit(.setLocal(slot)) }
    for (target, slot) in zip(targets, slots).reversed() {
      emit(.getLocal(slot))
      try assign(target)
    }
    closeScope(locals, first)
  }

  private mutating func assign(_ target: Suffixed) throws(LuaSyntaxError) {
    switch target {
    case .variable(let name): try setVariable(name)
    case .index: emit(.setIndex)
    case .call, .value: throw unexpected()
    }
  }
}
