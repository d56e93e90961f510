// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The JSON that the firmware takes and gives. It tells a number with a point or an exponent from one without: some
// parameters take only the one, some both.

/// A JSON value.
indirect enum FirmwareValue: Sendable, Hashable {
  case null
  case truth(Bool)
  case integer(Int64)
  case number(Float)
  case text(String)
  case list([FirmwareValue])
  case object(FirmwareObject)

  /// A number of either kind.
  var anyNumber: Float? {
    switch self {
    case .integer(let value): Float(value)
    case .number(let value): value
    case .null, .truth, .text, .list, .object: nil
    }
  }

  /// A number without a point, as the firmware's 32 bits hold it.
  var unsigned: UInt32? {
    if case .integer(let value) = self { UInt32(truncatingIfNeeded: value) } else { nil }
  }

  /// Appends its text.
  func write(into text: inout String) {
    switch self {
    case .null: text += "null"
    case .truth(let value): text += value ? "true" : "false"
    case .integer(let value): text += String(value)
    case .number(let value): text += FirmwareText.written(value)
    case .text(let value): Self.quote(value, into: &text)
    case .list(let values):
      text += "["
      for (place, value) in values.enumerated() {
        if place > 0 { text += "," }
        value.write(into: &text)
      }
      text += "]"
    case .object(let object): object.write(into: &text)
    }
  }

  fileprivate static func quote(_ value: String, into text: inout String) {
    text += "\""
    for character in value.unicodeScalars {
      switch character {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      default: text.unicodeScalars.append(character)
      }
    }
    text += "\""
  }
}

/// Keys and values in their order.
struct FirmwareObject: Sendable, Hashable {
  private(set) var members: [(key: String, value: FirmwareValue)] = []

  init() {}

  subscript(key: String) -> FirmwareValue? {
    get { members.first { $0.key == key }?.value }
    set {
      guard let newValue else { return }
      if let place = members.firstIndex(where: { $0.key == key }) {
        members[place].value = newValue
      } else {
        members.append((key, newValue))
      }
    }
  }

  static func == (left: Self, right: Self) -> Bool {
    left.members.elementsEqual(right.members) { $0.key == $1.key && $0.value == $1.value }
  }

  func hash(into hasher: inout Hasher) {
    for member in members {
      hasher.combine(member.key)
      hasher.combine(member.value)
    }
  }

  func write(into text: inout String) {
    text += "{"
    for (place, member) in members.enumerated() {
      if place > 0 { text += "," }
      FirmwareValue.quote(member.key, into: &text)
      text += ":"
      member.value.write(into: &text)
    }
    text += "}"
  }
}
