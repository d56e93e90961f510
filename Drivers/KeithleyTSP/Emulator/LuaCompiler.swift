// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// From words to instructions, in one pass. Left out of the language: functions that use the locals of a function around
// them, methods with a colon, variable arguments and long comments; such a chunk is refused with a syntax error.

/// Translates one chunk.
struct LuaCompiler {
  /// What a chunk is added to.
  struct Image: Sendable, Hashable {
    /// Of all chunks, one behind the other.
    var code: [LuaInstruction] = []
    var functions: [LuaFunction] = []
    /// Places of global variables.
    var globals: [String: Int] = [:]

    /// The place of a global variable, which it gets if it has none.
    mutating func place(of name: String) -> Int {
      if let place = globals[name] { return place }
      globals[name] = globals.count
      return globals.count - 1
    }
  }

  /// A function whose text is being read.
  struct Scope {
    var locals: [(name: String, slot: Int)] = []
    var nextSlot = 0
    var slots = 0
    /// For each loop around this place, the jumps that leave it.
    var breaks: [[Int]] = []
  }

  var image: Image
  var words: [LuaToken]
  var place = 0
  var scopes = [Scope()]
  /// The place behind the last expression whose call gives one value only.
  var bracketEnd = -1

  private init(_ text: String, _ image: Image) throws(LuaSyntaxError) {
    self.image = image
    words = try LuaLexer.words(of: text)
  }

  /// Adds a chunk to an image; the number of its function.
  static func compile(_ text: String, into image: inout Image) throws(LuaSyntaxError) -> Int {
    var compiler = try LuaCompiler(text, image)
    let number = compiler.image.functions.count
    compiler.image.functions.append(LuaFunction(entry: compiler.image.code.count, parameters: 0, slots: 0))
    try compiler.block(until: [])
    guard compiler.word == .end else { throw compiler.unexpected() }
    compiler.endFunction(number)
    image = compiler.image
    return number
  }

  // MARK: Words

  var word: LuaToken { words[min(place, words.count - 1)] }

  mutating func take(_ token: LuaToken) -> Bool {
    guard word == token else { return false }
    place += 1
    return true
  }

  mutating func expect(_ token: LuaToken) throws(LuaSyntaxError) { if !take(token) { throw unexpected() } }

  mutating func name() throws(LuaSyntaxError) -> String {
    guard case .name(let name) = word else { throw unexpected() }
    place += 1
    return name
  }

  func unexpected() -> LuaSyntaxError {
    switch word {
    case .name(let text), .keyword(let text), .text(let text), .mark(let text):
      LuaSyntaxError(words: "unexpected symbol near `\(text)'")
    case .number(let value): LuaSyntaxError(words: "unexpected symbol near `\(value)'")
    case .end: LuaSyntaxError(words: "unexpected symbol near `<eof>'")
    }
  }

  // MARK: Instructions

  mutating func emit(_ instruction: LuaInstruction) { image.code.append(instruction) }

  /// Emits a jump whose aim is set with `land`.
  mutating func emitJump(_ make: (Int) -> LuaInstruction) -> Int {
    emit(make(0))
    return image.code.count - 1
  }

  /// Lets a jump lead to this place.
  mutating func land(_ jump: Int) {
    let here = image.code.count
    switch image.code[jump] {
    case .jump: image.code[jump] = .jump(here)
    case .jumpIfFalse: image.code[jump] = .jumpIfFalse(here)
    case .jumpIfFalseElseDrop: image.code[jump] = .jumpIfFalseElseDrop(here)
    case .jumpIfTrueElseDrop: image.code[jump] = .jumpIfTrueElseDrop(here)
    case .testLoop(let slot, _): image.code[jump] = .testLoop(slot: slot, exit: here)
    default: preconditionFailure("only jumps can land")
    }
  }

  // MARK: Locals

  mutating func addLocal(_ name: String) -> Int {
    let slot = scopes[scopes.count - 1].nextSlot
    scopes[scopes.count - 1].nextSlot += 1
    scopes[scopes.count - 1].slots = max(scopes[scopes.count - 1].slots, slot + 1)
    scopes[scopes.count - 1].locals.append((name, slot))
    return slot
  }

  func local(_ name: String) throws(LuaSyntaxError) -> Int? {
    if let found = scopes[scopes.count - 1].locals.last(where: { $0.name == name }) { return found.slot }
    for scope in scopes.dropLast() where scope.locals.contains(where: { $0.name == name }) {
      throw LuaSyntaxError(words: "`\(name)' is a local of the function around this one, which the emulator cannot do")
    }
    return nil
  }

  /// Forgets the locals that were added since.
  mutating func closeScope(_ locals: Int, _ slot: Int) {
    scopes[scopes.count - 1].locals.removeLast(scopes[scopes.count - 1].locals.count - locals)
    scopes[scopes.count - 1].nextSlot = slot
  }

  mutating func endFunction(_ number: Int) {
    emit(.mark)
    emit(.giveBack)
    image.functions[number].slots = scopes[scopes.count - 1].slots
  }

  /// A function's parameters and body, behind the word `function` and its name; the value stays on the stack.
  mutating func function() throws(LuaSyntaxError) {
    let around = emitJump { .jump($0) }
    let number = image.functions.count
    image.functions.append(LuaFunction(entry: image.code.count, parameters: 0, slots: 0))
    scopes.append(Scope())
    try expect(.mark("("))
    var parameters = 0
    if word != .mark(")") {
      repeat {
        _ = addLocal(try name())
        parameters += 1
      } while take(.mark(","))
    }
    try expect(.mark(")"))
    image.functions[number].parameters = parameters
    try block(until: ["end"])
    try expect(.keyword("end"))
    endFunction(number)
    scopes.removeLast()
    land(around)
    emit(.constant(.function(number)))
  }
}
