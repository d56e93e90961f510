// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// `2 * $rate`, `$upper - 50 mV`, `$time / 3`: arithmetic with the values of variables. Products and quotients come
// before sums, single spaces stand between all words, and there are no parentheses: a part that needs some is a
// variable of its own. A product has one value with a unit at most, and only values of one kind are added, so what
// comes out is always something that could have been written instead.

import Quantities

/// An expression taken apart.
struct VariableExpression {
  /// A part that has a value.
  enum Operand {
    case name(String)
    case number(DecimalNumber)
    case quantity(String)
  }
  private struct Factor {
    var operand: Operand
    var divides: Bool
  }
  private struct Term {
    var factors: [Factor]
    var isSubtracted: Bool
  }
  private var terms: [Term]

  /// The variables in it, in the order of the text.
  var names: [String] {
    terms.flatMap(\.factors).compactMap { if case .name(let name) = $0.operand { name } else { nil } }
  }

  /// The one variable that it is; nil where it is more.
  var onlyName: String? { terms.count == 1 && terms[0].factors.count == 1 ? names.first : nil }

  /// nil where the text is no expression, or has no variable.
  init?(_ text: String) {
    var words = text.split(separator: " ", omittingEmptySubsequences: false)[...]
    guard let first = Self.takeOperand(&words) else { return nil }
    terms = [Term(factors: [Factor(operand: first, divides: false)], isSubtracted: false)]
    while let sign = words.popFirst() {
      guard let operand = Self.takeOperand(&words) else { return nil }
      switch sign {
      case "*", "/": terms[terms.count - 1].factors.append(Factor(operand: operand, divides: sign == "/"))
      case "+", "-":
        terms.append(Term(factors: [Factor(operand: operand, divides: false)], isSubtracted: sign == "-"))
      default: return nil
      }
    }
    if names.isEmpty { return nil }
  }

  private static func takeOperand(_ words: inout ArraySlice<Substring>) -> Operand? {
    guard let word = words.popFirst() else { return nil }
    if word.first == "$" {
      let name = word.dropFirst()
      return name.isEmpty || !name.utf8.allSatisfy(isNameByte) ? nil : .name(String(name))
    }
    if word.hasPrefix("C/") {
      return (try? DecimalNumber(written: word.dropFirst(2))) == nil ? nil : .quantity(String(word))
    }
    guard let number = try? DecimalNumber(written: word) else { return nil }
    guard let unit = words.first, !["*", "/", "+", "-"].contains(unit) else { return .number(number) }
    words.removeFirst()
    return unit.isEmpty || unit.contains("$") ? nil : .quantity("\(word) \(unit)")
  }

  static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
    default: false
    }
  }

  // MARK: - Value

  /// Why an expression has no value, for a person.
  struct Fault: Error {
    var message: String
    var hint: String
  }

  /// What comes out: a number, a written quantity, or the value of its only variable as it is.
  /// - Parameter values: The value of each of `names`.
  func value(_ values: [String: JSONNode.Content]) throws(Fault) -> JSONNode.Content {
    if let onlyName, let value = values[onlyName] { return value }
    var sum = try value(of: terms[0], values)
    for term in terms.dropFirst() {
      sum = try add(try value(of: term, values), to: sum, isSubtracted: term.isSubtracted)
    }
    switch sum {
    case .number(let number): return .number(number.written)
    case .quantity(let text), .name(let text): return .string(text)
    }
  }

  private func value(of term: Term, _ values: [String: JSONNode.Content]) throws(Fault) -> Operand {
    var product = DecimalNumber(1)
    var divisor = DecimalNumber(1)
    var quantity: String?
    for factor in term.factors {
      switch try operand(factor.operand, values) {
      case .number(let number):
        guard let next = (factor.divides ? divisor : product).product(number) else { throw Self.tooLong }
        if factor.divides { divisor = next } else { product = next }
      case .quantity(let text), .name(let text):
        guard quantity == nil, !factor.divides else {
          throw Fault(
            message: "`\(text)` has a unit, and only one value of a product may have one",
            hint: "multiply or divide it by plain numbers")
        }
        quantity = text
      }
    }
    return try value(product, over: divisor, of: quantity)
  }

  /// Multiplied first and divided once, so that nothing is rounded that comes out even.
  private func value(
    _ product: DecimalNumber, over divisor: DecimalNumber, of quantity: String?
  ) throws(Fault) -> Operand {
    guard divisor.mantissa != 0 else { throw Fault(message: "nothing is divided by 0", hint: "use another number") }
    let one = DecimalNumber(1)
    guard let quantity else {
      guard let number = product.quotient(divisor) else { throw Self.tooLong }
      return .number(divisor == one ? product : number)
    }
    let multiple = product == one ? quantity : product.multiple(of: quantity)
    guard let multiple, let value = divisor == one ? multiple : divisor.part(of: multiple) else { throw Self.tooLong }
    return .quantity(value)
  }

  private static let tooLong = Fault(
    message: "it has no exact value", hint: "calculate with numbers and quantities, or write the value itself")

  private func operand(_ operand: Operand, _ values: [String: JSONNode.Content]) throws(Fault) -> Operand {
    guard case .name(let name) = operand else { return operand }
    switch values[name] {
    case .number(let digits)?:
      guard let number = try? DecimalNumber(written: digits[...]) else { throw Self.tooLong }
      return .number(number)
    case .string(let text)?:
      if let number = try? DecimalNumber(written: text[...]) { return .number(number) }
      return .quantity(text)
    case .null?, .boolean?, .array?, .object?, nil: throw Self.tooLong
    }
  }

  private func add(_ value: Operand, to sum: Operand, isSubtracted: Bool) throws(Fault) -> Operand {
    switch (sum, value) {
    case (.number(let left), .number(let right)):
      guard let number = left.sum(isSubtracted ? right.negated : right) else { throw Self.tooLong }
      return .number(number)
    case (.quantity(let left), .quantity(let right)):
      guard let text = DecimalNumber.sum(of: left, and: right, negating: isSubtracted) else {
        throw Fault(
          message: "`\(left)` and `\(right)` cannot be added",
          hint: "add and subtract values of one kind, like `4.25 V` and `50 mV`")
      }
      return .quantity(text)
    case (.number, _), (.quantity, _), (.name, _):
      throw Fault(
        message: "a plain number and a value with a unit cannot be added", hint: "give both a unit, or neither")
    }
  }
}
