// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Expressions, by the strength with which their operators bind.

extension LuaCompiler {
  /// What a name with dots, brackets and calls behind it comes to.
  enum Suffixed: Hashable {
    /// A name alone; nothing was emitted.
    case variable(String)
    /// Object and key lie on the stack.
    case index
    /// The last instruction is the call.
    case call
    /// A value lies on the stack.
    case value
  }

  private static let strengths: [String: (left: Int, right: Int)] = [
    "or": (1, 1), "and": (2, 2), "<": (3, 3), ">": (3, 3), "<=": (3, 3), ">=": (3, 3), "~=": (3, 3), "==": (3, 3),
    "..": (5, 4), "+": (6, 6), "-": (6, 6), "*": (7, 7), "/": (7, 7), "^": (10, 9),
  ]
  private static let operators: [String: LuaInstruction.Operator] = [
    "+": .add, "-": .subtract, "*": .multiply, "/": .divide, "^": .power, "..": .concatenate, "==": .equal,
    "~=": .unequal, "<": .less, "<=": .lessOrEqual, ">": .greater, ">=": .greaterOrEqual,
  ]
  private static let unaryStrength = 8

  /// A list; so many values are on the stack afterwards, or, for nil, all that the last one gives.
  mutating func expressions(count: Int?) throws(LuaSyntaxError) {
    var found = 0
    while true {
      try expression()
      found += 1
      guard take(.mark(",")) else { break }
    }
    let isCall: Bool
    if case .call(results: 1)? = image.code.last, lastIsOpen { isCall = true } else { isCall = false }
    guard let count else {
      if isCall { image.code[image.code.count - 1] = .call(results: nil) }
      return
    }
    if found < count {
      if isCall {
        image.code[image.code.count - 1] = .call(results: count - found + 1)
      } else {
        for _ in found..<count { emit(.constant(.none)) }
      }
    } else {
      // What is too much is evaluated and dropped, which a jump to the next place does.
      for _ in count..<found { emit(.jumpIfFalse(image.code.count + 1)) }
    }
  }

  /// Whether the last instruction is a call that is an expression of its own, and not in brackets.
  private var lastIsOpen: Bool { place > 0 && !endedInBrackets }
  private var endedInBrackets: Bool { bracketEnd == place }

  /// One expression; one value is on the stack afterwards.
  mutating func expression(above strength: Int = 0) throws(LuaSyntaxError) {
    if take(.keyword("not")) {
      try expression(above: Self.unaryStrength)
      emit(.not)
    } else if take(.mark("-")) {
      try expression(above: Self.unaryStrength)
      emit(.negate)
    } else {
      try simple()
    }
    while let symbol = symbol, let strengths = Self.strengths[symbol], strengths.left > strength {
      place += 1
      if symbol == "and" || symbol == "or" {
        let end = emitJump { symbol == "and" ? .jumpIfFalseElseDrop($0) : .jumpIfTrueElseDrop($0) }
        try expression(above: strengths.right)
        land(end)
        // A call at the end of it gives one value.
        bracketEnd = place
      } else if let operation = Self.operators[symbol] {
        try expression(above: strengths.right)
        emit(.operation(operation))
      }
    }
  }

  private var symbol: String? {
    switch word {
    case .mark(let symbol), .keyword(let symbol): symbol
    default: nil
    }
  }

  private mutating func simple() throws(LuaSyntaxError) {
    switch word {
    case .number(let value): constant(.number(value))
    case .text(let text): constant(.text(text))
    case .keyword("nil"): constant(.none)
    case .keyword("true"): constant(.boolean(true))
    case .keyword("false"): constant(.boolean(false))
    case .keyword("function"):
      place += 1
      try function()
    case .mark("{"): try table()
    default:
      switch try suffixed() {
      case .variable(let name): try getVariable(name)
      case .index: emit(.getIndex)
      case .call, .value: break
      }
    }
  }

  private mutating func constant(_ value: LuaValue) {
    place += 1
    emit(.constant(value))
  }

  /// A name or an expression in brackets, and what follows it.
  mutating func suffixed() throws(LuaSyntaxError) -> Suffixed {
    var state: Suffixed
    if take(.mark("(")) {
      try expression()
      try expect(.mark(")"))
      bracketEnd = place
      state = .value
    } else {
      state = .variable(try name())
    }
    while true {
      switch word {
      case .mark("."):
        place += 1
        try load(state)
        emit(.constant(.text(try name())))
        state = .index
      case .mark("["):
        place += 1
        try load(state)
        try expression()
        try expect(.mark("]"))
        state = .index
      case .mark("("), .text, .mark("{"):
        try load(state)
        try arguments()
        state = .call
      default: return state
      }
    }
  }

  private mutating func load(_ state: Suffixed) throws(LuaSyntaxError) {
    switch state {
    case .variable(let name): try getVariable(name)
    case .index: emit(.getIndex)
    case .call, .value: break
    }
  }

  private mutating func arguments() throws(LuaSyntaxError) {
    emit(.mark)
    if case .text(let text) = word {
      constant(.text(text))
    } else if word == .mark("{") {
      try table()
    } else {
      try expect(.mark("("))
      if word != .mark(")") { try expressions(count: nil) }
      try expect(.mark(")"))
    }
    emit(.call(results: 1))
  }

  /// `{1, 2, x = 3, ["y"] = 4}`
  private mutating func table() throws(LuaSyntaxError) {
    try expect(.mark("{"))
    emit(.newTable)
    var count = 0
    while word != .mark("}") {
      if case .name(let key) = word, words[min(place + 1, words.count - 1)] == .mark("=") {
        place += 2
        emit(.constant(.text(key)))
        try expression()
      } else if take(.mark("[")) {
        try expression()
        try expect(.mark("]"))
        try expect(.mark("="))
        try expression()
      } else {
        count += 1
        emit(.constant(.number(Double(count))))
        try expression()
      }
      emit(.putField)
      guard take(.mark(",")) || take(.mark(";")) else { break }
    }
    try expect(.mark("}"))
  }
}
