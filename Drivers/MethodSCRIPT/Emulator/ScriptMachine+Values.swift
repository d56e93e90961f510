// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What instructions read and write: variables, literals, packages.

import VirtualLab

extension ScriptMachine {
  /// The slot of an argument.
  @inline(__always) func place(_ operand: Operand) throws(ErrorCode) -> Int {
    if operand.indexSlot < 0 { return Int(operand.slot) }
    let index = values[Int(operand.indexSlot)]
    guard index.isInteger else { throw .wrongDataType }
    guard index.integer >= 0, index.integer < operand.count else { throw .indexOutOfBounds }
    return Int(operand.slot) + Int(index.integer)
  }

  /// An argument that must be a number with a unit.
  func number(_ operand: Operand) throws(ErrorCode) -> Double {
    let value = values[try place(operand)]
    guard !value.isInteger else { throw .wrongDataType }
    return value.number
  }

  /// An argument that is a span of time; thirty years at most, so that sums stay far from overflow.
  func nanoseconds(_ operand: Operand) throws(ErrorCode) -> Int64 {
    let seconds = try number(operand)
    guard seconds >= 0 else { throw .mustNotBeNegative }
    guard seconds <= 1e9 else { throw .outOfBounds }
    return Int64((seconds * 1e9).rounded())
  }

  @inline(__always) func holds(
    _ relation: Relation, _ left: Operand, _ right: Operand
  ) throws(ErrorCode) -> Bool {
    let first = values[try place(left)].asNumber
    let second = values[try place(right)].asNumber
    switch relation {
    case .equal: return first == second
    case .notEqual: return first != second
    case .less: return first < second
    case .atMost: return first <= second
    case .greater: return first > second
    case .atLeast: return first >= second
    }
  }
}

extension ScriptMachine {
  mutating func beginPackage() throws(ErrorCode) {
    guard !isInPackage else { throw .packageSequence }
    isInPackage = true
    packageCount = 0
    package.removeAll(keepingCapacity: true)
    package.append(UInt8(ascii: "P"))
  }

  mutating func addToPackage(_ operand: Operand) throws(ErrorCode) {
    guard isInPackage else { throw .packageSequence }
    guard packageCount < Self.largestPackage else { throw .packageTooLarge }
    if packageCount > 0 { package.append(UInt8(ascii: ";")) }
    packageCount += 1
    let value = values[try place(operand)]
    guard !value.isInteger || Int(value.integer).magnitude <= PackageText.largestCount else { throw .overflow }
    PackageText.append(value, to: &package)
  }

  mutating func endPackage(output: inout [UInt8]) throws(ErrorCode) {
    guard isInPackage else { throw .packageSequence }
    isInPackage = false
    guard sendsOutput else { return }
    package.append(UInt8(ascii: "\n"))
    output.append(contentsOf: package)
  }

  func send(_ parts: [TextPart], output: inout [UInt8]) throws(ErrorCode) {
    var text: [UInt8] = [UInt8(ascii: "T")]
    for part in parts {
      switch part {
      case .literal(let bytes): text.append(contentsOf: bytes)
      case .value(let operand):
        let value = values[try place(operand)]
        text.append(contentsOf: (value.isInteger ? "\(value.integer)" : "\(value.number)").utf8)
      }
    }
    text.append(UInt8(ascii: "\n"))
    if sendsOutput { output.append(contentsOf: text) }
  }

  static func append(_ text: StaticString, to output: inout [UInt8]) {
    output.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }
}
