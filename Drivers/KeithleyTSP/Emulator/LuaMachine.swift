// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Carries out what was compiled. It knows nothing of an instrument: where a chunk reads or writes an attribute or calls a
// command, the machine stands still and asks, and goes on once it is answered. So time passes outside of it, and it can be
// thrown away at any moment, as `abort` does.

/// The machine of the language, with all that lives in the run-time environment.
struct LuaMachine: Sendable {
  /// Why it stands still.
  enum Stop: Sendable {
    /// The chunk is over.
    case finished
    /// The chunk went wrong.
    case failed(String)
    /// The value of an attribute is wanted.
    case get(InstrumentObject, channel: Int, key: String)
    /// An attribute is to be set; nothing is to be answered but that it goes on.
    case set(InstrumentObject, channel: Int, key: String, value: LuaValue)
    /// A command is called; its results are wanted.
    case call(InstrumentCommand, channel: Int, arguments: [LuaValue])
    /// So many instructions are done as it was allowed.
    case spent
  }

  private struct Frame: Sendable {
    var slots: Int
    var base: Int
    var place: Int
    var marks: Int
    /// How many results are wanted; nil for all.
    var results: Int?
  }

  /// Calls within calls within calls.
  private static let deepest = 190
  /// So many tables are looked through for those that nobody holds any more.
  private static let tidyAt = 4_000
  /// So many tables fill its memory.
  private static let mostTables = 50_000

  var image = LuaCompiler.Image()
  var globals: [LuaValue] = []
  var tables: [LuaTable] = []
  private var free: [Int] = []
  private var tidyNext = tidyAt
  private var stack: [LuaValue] = []
  private var marks: [Int] = []
  private var frames: [Frame] = []
  private var place = 0
  private var base = 0
  /// What the answer to the present question is wanted for: so many results, or nothing.
  private var awaited: Int?? = nil

  /// Whether a chunk is under way.
  var isRunning: Bool { !frames.isEmpty }

  // MARK: Outside

  /// Sets a global variable.
  mutating func setGlobal(_ name: String, _ value: LuaValue) {
    let place = image.place(of: name)
    growGlobals()
    globals[place] = value
  }

  /// Reads a global variable.
  func global(_ name: String) -> LuaValue {
    image.globals[name].flatMap { $0 < globals.count ? globals[$0] : nil } ?? .none
  }

  private mutating func growGlobals() {
    while globals.count < image.globals.count { globals.append(.none) }
  }

  /// Compiles a chunk; its function.
  mutating func load(_ text: String) throws(LuaSyntaxError) -> LuaValue {
    if !isRunning { forget() }
    let number = try LuaCompiler.compile(text, into: &image)
    growGlobals()
    return .function(number)
  }

  /// Compiles a chunk and begins it. A chunk without functions of its own is forgotten when the next begins.
  mutating func begin(_ text: String) throws(LuaSyntaxError) {
    stop()
    forget()
    // Its place is known before it is there.
    let functions = image.functions.count
    let code = image.code.count
    let chunk = try load(text)
    if image.functions.count == functions + 1 { passing = (functions, code) }
    guard case .function(let number) = chunk else { return }
    enter(image.functions[number], arguments: [], results: 0)
  }

  private var passing: (functions: Int, code: Int)?

  private mutating func forget() {
    guard let passing else { return }
    image.functions.removeLast(image.functions.count - passing.functions)
    image.code.removeLast(image.code.count - passing.code)
    self.passing = nil
  }

  /// Leaves whatever is under way.
  mutating func stop() {
    stack.removeAll(keepingCapacity: true)
    marks.removeAll(keepingCapacity: true)
    frames.removeAll(keepingCapacity: true)
    awaited = nil
  }

  /// Answers what it stopped for.
  mutating func answer(_ values: [LuaValue]) {
    guard let results = awaited else { return }
    awaited = nil
    push(values, results: results)
  }

  private mutating func push(_ values: [LuaValue], results: Int?) {
    guard let results else {
      stack.append(contentsOf: values)
      return
    }
    for index in 0..<results { stack.append(index < values.count ? values[index] : .none) }
  }

  func text(of value: LuaValue) -> String {
    switch value {
    case .none: "nil"
    case .boolean(let value): value ? "true" : "false"
    case .number(let value): LuaText.plain(value)
    case .text(let text): text
    case .table, .object: "table"
    case .function, .library, .command: "function"
    }
  }

  // MARK: Instructions

  /// Goes on for so many instructions at most; says how many there were.
  mutating func run(atMost count: Int) -> (stop: Stop, instructions: Int) {
    var done = 0
    do throws(LuaRuntimeError) {
      while done < count {
        guard !frames.isEmpty else { return (.finished, done) }
        done += 1
        if let stop = try step() { return (stop, done) }
      }
      return (frames.isEmpty ? .finished : .spent, done)
    } catch {
      stop()
      return (.failed(error.words), done)
    }
  }

  private mutating func step() throws(LuaRuntimeError) -> Stop? {
    let instruction = image.code[place]
    place += 1
    switch instruction {
    case .constant(let value): stack.append(value)
    case .getGlobal(let index): stack.append(globals[index])
    case .setGlobal(let index): globals[index] = stack.removeLast()
    case .getLocal(let slot): stack.append(stack[base + slot])
    case .setLocal(let slot): stack[base + slot] = stack.removeLast()
    case .getIndex: return try getIndex()
    case .setIndex: return try setIndex()
    case .newTable: stack.append(.table(try newTable()))
    case .putField:
      let value = stack.removeLast()
      let key = stack.removeLast()
      if case .table(let table)? = stack.last { tables[table][key] = value }
    case .operation(let operation): try operate(operation)
    case .not: stack.append(.boolean(!stack.removeLast().isTrue))
    case .negate:
      let value = stack.removeLast()
      guard let number = value.number else { throw Self.arithmeticError(value) }
      stack.append(.number(-number))
    case .jump(let aim): place = aim
    case .jumpIfFalse(let aim): if !stack.removeLast().isTrue { place = aim }
    case .jumpIfFalseElseDrop(let aim): if stack.last?.isTrue == true { stack.removeLast() } else { place = aim }
    case .jumpIfTrueElseDrop(let aim): if stack.last?.isTrue == true { place = aim } else { stack.removeLast() }
    case .mark: marks.append(stack.count)
    case .call(let results): return try call(results)
    case .giveBack: giveBack()
    case .testLoop(let slot, let exit): try testLoop(slot, exit)
    case .advanceLoop(let slot, let start):
      if let value = stack[base + slot].number, let step = stack[base + slot + 2].number {
        stack[base + slot] = .number(value + step)
      }
      place = start
    }
    return nil
  }

  private mutating func testLoop(_ slot: Int, _ exit: Int) throws(LuaRuntimeError) {
    guard let value = stack[base + slot].number, let limit = stack[base + slot + 1].number,
      let step = stack[base + slot + 2].number
    else { throw LuaRuntimeError(words: "`for' values must be numbers") }
    if step > 0 ? value > limit : value < limit { place = exit }
  }

  private static func arithmeticError(_ value: LuaValue) -> LuaRuntimeError {
    LuaRuntimeError(words: "attempt to perform arithmetic on a \(value.typeName) value")
  }

  private mutating func operate(_ operation: LuaInstruction.Operator) throws(LuaRuntimeError) {
    let right = stack.removeLast()
    let left = stack.removeLast()
    switch operation {
    case .equal: stack.append(.boolean(left == right))
    case .unequal: stack.append(.boolean(left != right))
    case .concatenate:
      for value in [left, right] {
        switch value {
        case .number, .text: continue
        default: throw LuaRuntimeError(words: "attempt to concatenate a \(value.typeName) value")
        }
      }
      stack.append(.text(text(of: left) + text(of: right)))
    case .less, .lessOrEqual, .greater, .greaterOrEqual:
      stack.append(.boolean(try Self.compare(operation, left, right)))
    case .add, .subtract, .multiply, .divide, .power:
      guard let first = left.number else { throw Self.arithmeticError(left) }
      guard let second = right.number else { throw Self.arithmeticError(right) }
      stack.append(.number(Self.compute(operation, first, second)))
    }
  }

  private static func compute(_ operation: LuaInstruction.Operator, _ left: Double, _ right: Double) -> Double {
    switch operation {
    case .add: left + right
    case .subtract: left - right
    case .multiply: left * right
    case .divide: left / right
    default: power(left, right)
    }
  }

  private static func compare(_ operation: LuaInstruction.Operator, _ left: LuaValue, _ right: LuaValue)
    throws(LuaRuntimeError) -> Bool
  {
    switch (left, right) {
    case (.number(let first), .number(let second)):
      switch operation {
      case .less: return first < second
      case .lessOrEqual: return first <= second
      case .greater: return first > second
      default: return first >= second
      }
    case (.text(let first), .text(let second)):
      switch operation {
      case .less: return first < second
      case .lessOrEqual: return first <= second
      case .greater: return first > second
      default: return first >= second
      }
    default: throw LuaRuntimeError(words: "attempt to compare \(left.typeName) with \(right.typeName)")
    }
  }

  // MARK: Tables and attributes

  private mutating func getIndex() throws(LuaRuntimeError) -> Stop? {
    let key = stack.removeLast()
    let object = stack.removeLast()
    switch object {
    case .table(let table): stack.append(tables[table][key])
    case .object(let part, let channel):
      guard case .text(let name) = key else { throw LuaRuntimeError(words: "attempt to index an attribute list") }
      awaited = .some(1)
      return .get(part, channel: channel, key: name)
    case .function where key == .text("run"): stack.append(object)
    default: throw LuaRuntimeError(words: "attempt to index a \(object.typeName) value\(Self.naming(key))")
    }
    return nil
  }

  private mutating func setIndex() throws(LuaRuntimeError) -> Stop? {
    let value = stack.removeLast()
    let key = stack.removeLast()
    let object = stack.removeLast()
    switch object {
    case .table(let table): tables[table][key] = value
    case .object(let part, let channel):
      guard case .text(let name) = key else { throw LuaRuntimeError(words: "attempt to index an attribute list") }
      awaited = .some(0)
      return .set(part, channel: channel, key: name, value: value)
    default: throw LuaRuntimeError(words: "attempt to index a \(object.typeName) value\(Self.naming(key))")
    }
    return nil
  }

  private static func naming(_ key: LuaValue) -> String {
    if case .text(let name) = key { return " (field `\(name)')" }
    return ""
  }

  /// A table that is not in use, or a new one.
  mutating func newTable() throws(LuaRuntimeError) -> Int {
    if free.isEmpty, tables.count >= tidyNext { tidy() }
    if let place = free.popLast() {
      tables[place] = LuaTable()
      return place
    }
    guard tables.count < Self.mostTables else { throw LuaRuntimeError(words: "not enough memory") }
    tables.append(LuaTable())
    return tables.count - 1
  }

  /// Finds the tables that nobody can reach any more.
  private mutating func tidy() {
    var isHeld = [Bool](repeating: false, count: tables.count)
    var open = globals + stack
    while let value = open.popLast() {
      guard case .table(let table) = value, !isHeld[table] else { continue }
      isHeld[table] = true
      open += tables[table].keys
      open += tables[table].values
    }
    free = tables.indices.filter { !isHeld[$0] }
    tidyNext = max(Self.tidyAt, 2 * (tables.count - free.count))
  }

  // MARK: Calls

  private mutating func call(_ results: Int?) throws(LuaRuntimeError) -> Stop? {
    let start = marks.removeLast()
    let arguments = Array(stack[start...])
    stack.removeLast(stack.count - start)
    let function = stack.removeLast()
    switch function {
    case .function(let number):
      guard frames.count < Self.deepest else { throw LuaRuntimeError(words: "stack overflow") }
      enter(image.functions[number], arguments: arguments, results: results)
    case .library(let library): push(try call(library, arguments), results: results)
    case .command(let command, let channel):
      awaited = .some(results)
      return .call(command, channel: channel, arguments: arguments)
    default: throw LuaRuntimeError(words: "attempt to call a \(function.typeName) value")
    }
    return nil
  }

  private mutating func enter(_ function: LuaFunction, arguments: [LuaValue], results: Int?) {
    frames.append(Frame(slots: function.slots, base: base, place: place, marks: marks.count, results: results))
    base = stack.count
    for index in 0..<max(function.slots, function.parameters) {
      stack.append(index < function.parameters && index < arguments.count ? arguments[index] : .none)
    }
    place = function.entry
  }

  private mutating func giveBack() {
    let start = marks.removeLast()
    let values = Array(stack[start...])
    let frame = frames.removeLast()
    stack.removeLast(stack.count - base)
    marks.removeLast(marks.count - frame.marks)
    base = frame.base
    place = frame.place
    push(values, results: frame.results)
  }
}
