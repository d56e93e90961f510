// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// When copying, replace all of this file: the frames of your instrument. It holds nothing else: bytes to values and back, the
// layout from the instrument's documents, and no decision. Whatever comes, it is a value or nil; it never traps and never grows.

import CyclerModel
import Quantities

/// A line of the protocol (Drivers/Template/README.md): two digits that number it, words, `*`, a checksum in four digits, LF.
enum TemplateLine {
  /// The longest line, in bytes without its end.
  static let maximumLength = 64

  /// Appends a question with its number, 0 to 99.
  static func append(_ question: TemplateQuestion, number: UInt8, to bytes: inout [UInt8]) {
    let start = bytes.count
    bytes.append(UInt8(ascii: "0") + number / 10)
    bytes.append(UInt8(ascii: "0") + number % 10)
    bytes.append(UInt8(ascii: " "))
    bytes.append(contentsOf: question.words.word.utf8)
    if let value = question.words.value {
      bytes.append(UInt8(ascii: " "))
      bytes.append(contentsOf: String(value).utf8)
    }
    let sum = checksum(bytes[start...])
    bytes.append(UInt8(ascii: "*"))
    for place in 0..<4 { bytes.append(digit(sum, place)) }
    bytes.append(0x0A)
  }

  /// The line up to its `*`, if its checksum is right.
  static func body(of line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    let end = line.count - 5
    guard end > 0, line[end] == UInt8(ascii: "*") else { return nil }
    let body = UnsafeRawBufferPointer(rebasing: line[..<end])
    let sum = checksum(body)
    let isRight = (0..<4).allSatisfy { line[end + 1 + $0] == digit(sum, $0) }
    return isRight ? body : nil
  }

  /// CRC-16 with the polynomial 0x1021, from 0xFFFF on.
  private static func checksum(_ bytes: some Sequence<UInt8>) -> UInt16 {
    var sum: UInt16 = 0xFFFF
    for byte in bytes {
      sum ^= UInt16(byte) << 8
      for _ in 0..<8 { sum = sum & 0x8000 == 0 ? sum << 1 : sum << 1 ^ 0x1021 }
    }
    return sum
  }

  /// The hexadecimal digit of a checksum at a place, 0 to 3 from the left.
  private static func digit(_ sum: UInt16, _ place: Int) -> UInt8 {
    let nibble = UInt8(sum >> UInt16(12 - 4 * place) & 0xF)
    return nibble + (nibble < 10 ? UInt8(ascii: "0") : UInt8(ascii: "A") - 10)
  }
}

/// What the host can say.
enum TemplateQuestion: Sendable, Hashable {
  case identity, measure, off, on
  /// 1 or 2; taken while the output is off only.
  case range(Int)
  /// What is regulated, mode and value at once, so that no value is ever taken in the other's unit.
  case current(Current), voltage(Voltage)
  /// In tenths of a second: with none for so long the instrument opens the circuit by itself.
  case lease(Int64)

  /// Its words on the line: a word, and behind some a number of nanoamperes, microvolts or tenths of a second.
  var words: (word: String, value: Int64?) {
    switch self {
    case .identity: ("ID?", nil)
    case .measure: ("MEASURE?", nil)
    case .off: ("OFF", nil)
    case .on: ("ON", nil)
    case .range(let number): ("RANGE", Int64(number))
    case .current(let current): ("CURRENT", current.picoamperes / 1_000)
    case .voltage(let voltage): ("VOLTAGE", voltage.nanovolts / 1_000)
    case .lease(let tenths): ("LEASE", tenths)
    }
  }
}

/// What the instrument says.
struct TemplateAnswer: Sendable, Hashable {
  enum Content: Sendable, Hashable {
    case done
    /// It did not do it, with its error word.
    case refused(Int64)
    case identity(model: String, firmware: String, serial: String)
    case measured(TemplateMeasurement)
  }

  /// The number of the question that it answers.
  let number: UInt8
  let content: Content

  /// Reads a line without its end; nil for what is no line, or has lost something on the way.
  init?(_ line: UnsafeRawBufferPointer) {
    guard let body = TemplateLine.body(of: line) else { return nil }
    var words = Words(bytes: body)
    guard let number = words.integer(in: 0...99), let kind = words.text() else { return nil }
    self.number = UInt8(number)
    switch kind {
    case "OK": content = .done
    case "ERR": content = .refused(words.integer(in: 0...99) ?? 0)
    case "ID":
      guard let model = words.text(), let firmware = words.text(), let serial = words.text() else { return nil }
      content = .identity(model: model, firmware: firmware, serial: serial)
    case "M":
      guard let measurement = TemplateMeasurement(&words) else { return nil }
      content = .measured(measurement)
    default: return nil
    }
  }

  /// The words of a line, one after the other.
  struct Words {
    let bytes: UnsafeRawBufferPointer
    private var place = 0

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func text() -> String? {
      guard place < bytes.count else { return nil }
      let end = bytes[place...].firstIndex(of: UInt8(ascii: " ")) ?? bytes.count
      defer { place = end + 1 }
      return String(decoding: bytes[place..<end], as: UTF8.self)
    }

    mutating func integer(in range: ClosedRange<Int64>) -> Int64? {
      text().flatMap { Int64($0) }.flatMap { range.contains($0) ? $0 : nil }
    }
  }
}

/// What `MEASURE?` was answered.
struct TemplateMeasurement: Sendable, Hashable {
  /// nil where its converter is at its end, or finds no number.
  let voltage: Voltage?
  let current: Current?
  let isOn: Bool
  /// Whether a converter is at its end.
  let isBeyondRange: Bool
  /// Whether it was the lease that opened the circuit.
  let hasLeaseEnded: Bool

  /// `M 3000000 -500000 1`: microvolts, nanoamperes, status bits.
  init?(_ words: inout TemplateAnswer.Words) {
    let reach: ClosedRange<Int64> = -1_000_000_000...1_000_000_000
    let microvolts = words.integer(in: reach)
    let nanoamperes = words.integer(in: reach)
    guard let status = words.integer(in: 0...15) else { return nil }
    isOn = status & 1 != 0
    isBeyondRange = status & 6 != 0
    hasLeaseEnded = status & 8 != 0
    voltage = status & 2 != 0 ? nil : microvolts.map { Voltage(nanovolts: $0 * 1_000) }
    current = status & 4 != 0 ? nil : nanoamperes.map { Current(picoamperes: $0 * 1_000) }
  }
}
