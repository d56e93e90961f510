// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation

/// As much of JSON Schema 2020-12 as `protocol.schema.json` uses; a keyword that is not known is an error, so that nothing
/// in the schema is passed over.
struct JSONSchema {
  /// The schema says something that this reader does not know.
  struct Unknown: Error { var keyword: String }

  private let root: [String: Any]

  init(_ data: Data) throws {
    root = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    try Self.expectKnown(root)
  }

  private static let known: Set<String> = [
    "$schema", "$id", "$defs", "$ref", "title", "description", "type", "const", "enum", "properties", "required",
    "additionalProperties", "unevaluatedProperties", "propertyNames", "minProperties", "dependentRequired", "items",
    "minItems", "maxItems",
    "uniqueItems", "pattern", "minLength", "maxLength", "minimum", "maximum", "oneOf", "allOf", "anyOf", "if", "then",
    "else",
  ]

  private static func expectKnown(_ schema: Any) throws {
    guard let schema = schema as? [String: Any] else { return }
    for (keyword, value) in schema {
      guard known.contains(keyword) else { throw Unknown(keyword: keyword) }
      switch keyword {
      case "properties", "$defs": for inner in (value as? [String: Any] ?? [:]).values { try expectKnown(inner) }
      case "oneOf", "allOf", "anyOf": for inner in value as? [Any] ?? [] { try expectKnown(inner) }
      case "items", "additionalProperties", "propertyNames", "if", "then", "else": try expectKnown(value)
      default: continue
      }
    }
  }

  /// Whether a JSON value is one that the schema describes.
  func accepts(_ value: Any) -> Bool { accepts(value, root) }

  private func accepts(_ value: Any, _ schema: Any) -> Bool { evaluated(value, schema) != nil }

  /// The keys of an object that the schema has something to say of; nil when it refuses the value.
  private func evaluated(_ value: Any, _ schema: Any) -> Set<String>? {
    if let flag = schema as? Bool { return flag ? [] : nil }
    guard let schema = schema as? [String: Any] else { return nil }
    if let type = schema["type"] as? String, !Self.is(value, type) { return nil }
    if let types = schema["type"] as? [String], !types.contains(where: { Self.is(value, $0) }) { return nil }
    if let constant = schema["const"], !Self.equal(value, constant) { return nil }
    if let choices = schema["enum"] as? [Any], !choices.contains(where: { Self.equal(value, $0) }) { return nil }
    guard object(value, schema), list(value, schema), scalar(value, schema), var keys = combinations(value, schema)
    else { return nil }
    guard let object = value as? [String: Any] else { return keys }
    let own = schema["properties"] as? [String: Any] ?? [:]
    keys.formUnion(object.keys.filter { own[$0] != nil || schema["additionalProperties"] != nil })
    if let others = schema["unevaluatedProperties"] {
      for (key, inner) in object where !keys.contains(key) {
        if !accepts(inner, others) { return nil }
        keys.insert(key)
      }
    }
    return keys
  }

  private func resolved(_ reference: String) -> Any {
    reference.split(separator: "/").dropFirst().reduce(root as Any) { ($0 as? [String: Any])?[String($1)] ?? false }
  }

  private func combinations(_ value: Any, _ schema: [String: Any]) -> Set<String>? {
    var keys: Set<String> = []
    let fitting = { (list: Any?) in (list as? [Any])?.compactMap { self.evaluated(value, $0) } }
    if let found = fitting(schema["oneOf"]) {
      guard found.count == 1 else { return nil }
      keys.formUnion(found[0])
    }
    if let found = fitting(schema["anyOf"]) {
      guard !found.isEmpty else { return nil }
      for each in found { keys.formUnion(each) }
    }
    if let all = schema["allOf"] as? [Any] {
      for each in all {
        guard let found = evaluated(value, each) else { return nil }
        keys.formUnion(found)
      }
    }
    if let reference = schema["$ref"] as? String {
      guard let found = evaluated(value, resolved(reference)) else { return nil }
      keys.formUnion(found)
    }
    guard let condition = schema["if"] else { return keys }
    let met = evaluated(value, condition)
    keys.formUnion(met ?? [])
    guard let follows = met == nil ? schema["else"] : schema["then"] else { return keys }
    return evaluated(value, follows).map { keys.union($0) }
  }

  private func object(_ value: Any, _ schema: [String: Any]) -> Bool {
    guard let object = value as? [String: Any] else { return true }
    let properties = schema["properties"] as? [String: Any] ?? [:]
    for key in schema["required"] as? [String] ?? [] where object[key] == nil { return false }
    for (key, others) in schema["dependentRequired"] as? [String: [String]] ?? [:] where object[key] != nil {
      if others.contains(where: { object[$0] == nil }) { return false }
    }
    if let least = schema["minProperties"] as? Int, object.count < least { return false }
    for (key, inner) in object {
      if let names = schema["propertyNames"], !accepts(key, names) { return false }
      if let property = properties[key] {
        if !accepts(inner, property) { return false }
      } else if let others = schema["additionalProperties"], !accepts(inner, others) {
        return false
      }
    }
    return true
  }

  private func list(_ value: Any, _ schema: [String: Any]) -> Bool {
    guard let list = value as? [Any] else { return true }
    if let least = schema["minItems"] as? Int, list.count < least { return false }
    if let most = schema["maxItems"] as? Int, list.count > most { return false }
    if schema["uniqueItems"] as? Bool == true, Set(list.map { "\($0)" }).count != list.count { return false }
    guard let items = schema["items"] else { return true }
    return list.allSatisfy { accepts($0, items) }
  }

  private func scalar(_ value: Any, _ schema: [String: Any]) -> Bool {
    if let text = value as? String {
      let count = text.unicodeScalars.count
      if let least = schema["minLength"] as? Int, count < least { return false }
      if let most = schema["maxLength"] as? Int, count > most { return false }
      if let pattern = schema["pattern"] as? String {
        guard let expression = try? Regex(pattern), text.contains(expression) else { return false }
      }
    } else if let number = value as? NSNumber, !Self.isBoolean(number) {
      if let least = schema["minimum"] as? Double, number.doubleValue < least { return false }
      if let most = schema["maximum"] as? Double, number.doubleValue > most { return false }
    }
    return true
  }

  private static func isBoolean(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }

  private static func `is`(_ value: Any, _ type: String) -> Bool {
    switch type {
    case "object": value is [String: Any]
    case "array": value is [Any]
    case "string": value is String
    case "null": value is NSNull
    case "boolean": (value as? NSNumber).map { isBoolean($0) } ?? false
    case "number": (value as? NSNumber).map { !isBoolean($0) } ?? false
    case "integer": (value as? NSNumber).map { !isBoolean($0) && $0.doubleValue == $0.doubleValue.rounded() } ?? false
    default: false
    }
  }

  private static func equal(_ left: Any, _ right: Any) -> Bool {
    if let left = left as? String, let right = right as? String { return left == right }
    if let left = left as? NSNumber, let right = right as? NSNumber { return left == right }
    return left is NSNull && right is NSNull
  }
}
