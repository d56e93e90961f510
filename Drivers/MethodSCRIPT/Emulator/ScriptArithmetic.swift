// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Arithmetic of the language. Both sides must be of one kind: scripts convert with `int_to_float` where they mix.

/// The arithmetic commands.
enum ScriptArithmetic {
  /// Combines two values; the result keeps the first one's type and loses its measurement.
  static func apply(_ operation: Operation, to value: inout ScriptValue, with other: ScriptValue) throws(ErrorCode) {
    guard value.isInteger == other.isInteger else { throw .wrongDataType }
    value.isMeasured = false
    if value.isInteger {
      value.integer = try combined(operation, value.integer, other.integer)
    } else {
      value.number = try combined(operation, value.number, other.number)
    }
  }

  private static func combined(_ operation: Operation, _ left: Double, _ right: Double) throws(ErrorCode) -> Double {
    let result: Double
    switch operation {
    case .add: result = left + right
    case .subtract: result = left - right
    case .multiply: result = left * right
    case .divide:
      guard right != 0 else { throw .dividedByZero }
      result = left / right
    case .remainder, .and, .or, .exclusiveOr, .shiftLeft, .shiftRight: throw .wrongDataType
    }
    guard result.isFinite else { throw .notANumber }
    return result
  }

  private static func combined(_ operation: Operation, _ left: Int32, _ right: Int32) throws(ErrorCode) -> Int32 {
    switch operation {
    case .add: return try exact(left.addingReportingOverflow(right))
    case .subtract: return try exact(left.subtractingReportingOverflow(right))
    case .multiply: return try exact(left.multipliedReportingOverflow(by: right))
    case .divide:
      guard right != 0 else { throw .dividedByZero }
      return try exact(left.dividedReportingOverflow(by: right))
    case .remainder:
      guard right != 0 else { throw .dividedByZero }
      return try exact(left.remainderReportingOverflow(dividingBy: right))
    case .and: return left & right
    case .or: return left | right
    case .exclusiveOr: return left ^ right
    case .shiftLeft:
      guard right >= 0 else { throw .mustNotBeNegative }
      return Int32(bitPattern: UInt32(bitPattern: left) << UInt32(right))
    case .shiftRight:
      guard right >= 0 else { throw .mustNotBeNegative }
      return Int32(bitPattern: UInt32(bitPattern: left) >> UInt32(right))
    }
  }

  private static func exact(_ result: (partialValue: Int32, overflow: Bool)) throws(ErrorCode) -> Int32 {
    guard !result.overflow else { throw .overflow }
    return result.partialValue
  }

  /// Changes a value's kind or bits in place.
  static func apply(_ conversion: Conversion, to value: inout ScriptValue) throws(ErrorCode) {
    switch conversion {
    case .integerToNumber:
      guard value.isInteger else { throw .wrongDataType }
      value.number = Double(value.integer)
      value.isInteger = false
    case .numberToInteger: try makeInteger(&value, value.number.rounded(.towardZero))
    case .numberToNearestInteger: try makeInteger(&value, value.number.rounded())
    case .invertBits:
      guard value.isInteger else { throw .wrongDataType }
      value.integer = ~value.integer
    }
    value.isMeasured = false
  }

  private static func makeInteger(_ value: inout ScriptValue, _ whole: Double) throws(ErrorCode) {
    guard !value.isInteger else { throw .wrongDataType }
    guard let integer = Int32(exactly: whole) else { throw .overflow }
    value.integer = integer
    value.isInteger = true
  }
}
