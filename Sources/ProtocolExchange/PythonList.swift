// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Experiments are written in Python, mostly as lists of texts and tuples with `* 3` behind them. That much of Python is
// read here, and JSON's lists with it; nothing is executed.

/// A list of texts, nested, with repetitions.
struct PythonList {
  /// A value with its place.
  indirect enum Value {
    case text(String, offset: Int)
    case list([Value], offset: Int)
    /// The elements of a list, so many times.
    case repeated([Value], times: Int64, offset: Int)

    var offset: Int {
      switch self {
      case .text(_, let offset), .list(_, let offset), .repeated(_, _, let offset): offset
      }
    }
  }

  /// What is wrong with the text.
  struct Fault: Error {
    var offset: Int
    var message: String
    var hint: String
  }

  private static let depthLimit = 16
  private let bytes: [UInt8]
  private var position = 0
  private var depth = 0

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The elements of the outermost list.
  static func read(_ bytes: [UInt8]) throws(Fault) -> [Value] {
    var reader = PythonList(bytes)
    let elements = try reader.sum()
    reader.skip()
    guard reader.position == bytes.count else {
      throw reader.fault("this is not understood", "only lists of texts are")
    }
    return elements
  }

  private func fault(_ message: String, _ hint: String) -> Fault {
    Fault(offset: position, message: message, hint: hint)
  }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  /// Skips space and comments.
  private mutating func skip() {
    while let byte = next {
      if byte == UInt8(ascii: "#") {
        while let byte = next, byte != UInt8(ascii: "\n") { position += 1 }
      } else if byte == 0x20 || (0x09...0x0D).contains(byte) {
        position += 1
      } else {
        return
      }
    }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skip()
    guard next == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  /// Lists with `+` between them: one list.
  private mutating func sum() throws(Fault) -> [Value] {
    var elements = try product()
    while take("+") { elements += try product() }
    return elements
  }

  /// A list, perhaps with `* 3` behind it or `3 *` before it.
  private mutating func product() throws(Fault) -> [Value] {
    skip()
    let start = position
    var times: Int64 = 1
    if let count = try number() {
      times = count
      guard take("*") else { throw fault("a number without `*`", "write a text, or `[…] * 3`") }
    }
    var elements = try list()
    while take("*") {
      guard let count = try number() else { throw fault("`*` without a number", "write `* 3`") }
      let (product, overflow) = times.multipliedReportingOverflow(by: count)
      guard !overflow else { throw fault("too many repetitions", "write a smaller number") }
      times = product
    }
    guard (1...1_000_000).contains(times) else {
      throw Fault(offset: start, message: "\(times) repetitions", hint: "1 to 1,000,000 are possible")
    }
    if times > 1 { elements = [.repeated(elements, times: times, offset: start)] }
    return elements
  }

  private mutating func number() throws(Fault) -> Int64? {
    skip()
    let start = position
    while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
    guard position > start else { return nil }
    if let number = Int64(String(decoding: bytes[start..<position], as: UTF8.self)) { return number }
    throw fault("the number is too large", "write a smaller one")
  }

  private mutating func list() throws(Fault) -> [Value] {
    let close: Unicode.Scalar
    if take("[") {
      close = "]"
    } else if take("(") {
      close = ")"
    } else {
      throw fault("a list is missing here", "write `[\"Rest for 1 hour\", …]`")
    }
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depthLimit else { throw fault("lists in lists in lists", "nest fewer") }
    var elements: [Value] = []
    while !take(close) {
      elements += try element()
      if take(",") { continue }
      guard take(close) else { throw fault("a comma or `\(close)` is missing here", "write it") }
      break
    }
    return elements
  }

  private mutating func element() throws(Fault) -> [Value] {
    skip()
    let start = position
    guard next != UInt8(ascii: "\""), next != UInt8(ascii: "'") else { return [.text(try text(), offset: start)] }
    let elements = try sum()
    // A list in brackets is one element; what `*` or `+` make of it too.
    return [.list(elements, offset: start)]
  }

  private mutating func text() throws(Fault) -> String {
    var text = ""
    // Python joins texts that stand side by side.
    while next == UInt8(ascii: "\"") || next == UInt8(ascii: "'") {
      let quote = bytes[position]
      position += 1
      let start = position
      while let byte = next, byte != quote {
        guard byte != UInt8(ascii: "\\"), byte != UInt8(ascii: "\n") else {
          throw fault("a text with `\\` or over two lines", "write the step plainly")
        }
        position += 1
      }
      guard next == quote else { throw fault("a text without its end", "write the closing quote") }
      text += String(decoding: bytes[start..<position], as: UTF8.self)
      position += 1
      skip()
    }
    return text
  }
}
