// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What a chunk is translated to: instructions of a machine with a stack, so that it can stand still at any place while the
// instrument measures, waits or is interrupted.

/// One instruction. Values are taken from the top of the stack and results are put there.
enum LuaInstruction: Sendable, Hashable {
  /// An operation on two values, the second on top.
  enum Operator: Sendable, Hashable {
    case add, subtract, multiply, divide, power, concatenate
    case equal, unequal, less, lessOrEqual, greater, greaterOrEqual
  }

  case constant(LuaValue)
  case getGlobal(Int)
  case setGlobal(Int)
  case getLocal(Int)
  case setLocal(Int)
  /// Object, key → value.
  case getIndex
  /// Object, key, value → nothing.
  case setIndex
  /// Nothing → a new table.
  case newTable
  /// Table, key, value → table.
  case putField
  case operation(Operator)
  case not
  case negate
  case jump(Int)
  /// Takes the value away.
  case jumpIfFalse(Int)
  /// Leaves the value there if it jumps.
  case jumpIfFalseElseDrop(Int)
  /// Leaves the value there if it jumps.
  case jumpIfTrueElseDrop(Int)
  /// What lies above is a list of arguments or results.
  case mark
  /// Function, arguments since the mark → so many results; all of them where it says nil.
  case call(results: Int?)
  /// Ends the function with the values since the mark.
  case giveBack
  /// Local `slot` is the number, the two behind it limit and step; jumps if the loop is over.
  case testLoop(slot: Int, exit: Int)
  /// Adds the step and jumps back.
  case advanceLoop(slot: Int, start: Int)
}

/// A function of a chunk.
struct LuaFunction: Sendable, Hashable {
  /// Where it begins among the instructions.
  var entry: Int
  var parameters: Int
  /// How many locals it has room for, parameters included.
  var slots: Int
}
