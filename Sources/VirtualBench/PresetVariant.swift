// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A preset that says only what is different from another one: `"like"` names that, and every other key replaces the
// key of the same name in it, objects key by key. What comes out is judged like any preset.

internal import FoundationEssentials

/// JSON of any shape.
enum PresetJSON: Codable, Equatable {
  case null
  case boolean(Bool)
  case number(Double)
  case text(String)
  case list([PresetJSON])
  case object([String: PresetJSON])

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let boolean = try? value.decode(Bool.self) {
      self = .boolean(boolean)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else if let text = try? value.decode(String.self) {
      self = .text(text)
    } else if let list = try? value.decode([PresetJSON].self) {
      self = .list(list)
    } else {
      self = .object(try value.decode([String: PresetJSON].self))
    }
  }

  func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    switch self {
    case .null: try value.encodeNil()
    case .boolean(let boolean): try value.encode(boolean)
    case .number(let number): try value.encode(number)
    case .text(let text): try value.encode(text)
    case .list(let list): try value.encode(list)
    case .object(let object): try value.encode(object)
    }
  }

  /// The name in `like`; nil where there is none.
  var base: String? {
    if case .object(let keys) = self, case .text(let name)? = keys["like"] { name } else { nil }
  }

  /// This with what another says instead.
  func replaced(by other: PresetJSON) -> PresetJSON {
    guard case .object(var keys) = self, case .object(let others) = other else { return other }
    for (key, value) in others where key != "like" { keys[key] = keys[key]?.replaced(by: value) ?? value }
    return .object(keys)
  }
}
