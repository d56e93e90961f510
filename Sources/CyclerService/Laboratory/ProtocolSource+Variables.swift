// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import ControlAPI
internal import CyclingProtocol

extension [ProtocolSource] {
  /// The files with other values for their variables, as a request's `set` says them.
  ///
  /// - Parameter settings: Each `name=value`. Every name must be a variable of at least one of the files; it is set in
  ///   each that declares it.
  /// - Throws: `RequestRefused` with the setting that is none, names a variable twice, or one that no file has.
  func setting(_ settings: [String]) throws -> [ProtocolSource] {
    guard !settings.isEmpty else { return self }
    var values: [String: String] = [:]
    for setting in settings {
      let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
        throw RequestRefused(
          .malformed, code: "start.set_malformed", message: "“\(setting)” sets nothing",
          hint: "write the variable's name, an equals sign and its value, like rate=0.2A/g")
      }
      guard values.updateValue(parts[1], forKey: parts[0]) == nil else {
        throw RequestRefused(
          .malformed, code: "start.set_malformed", message: "“\(parts[0])” is set twice", hint: "set it once")
      }
    }
    var declared: Set<String> = []
    let sources = map { source in
      let set = ProtocolVariables.set(values, in: Array<UInt8>(source.text.utf8))
      declared.formUnion(set.declared)
      return ProtocolSource(name: source.name, text: String(decoding: set.bytes, as: UTF8.self))
    }
    for name in values.keys.sorted() where !declared.contains(name) {
      throw RequestRefused(
        .malformed, code: "start.set_unknown", message: "there is no variable “\(name)”",
        hint: ProtocolVariables.hint(for: name, among: declared))
    }
    return sources
  }
}
