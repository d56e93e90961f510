// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// What was answered to the question who is there. What has no form of its own is asked twice: a lost digit would make
/// another instrument of it.
struct IdentityAnswers: Sendable, Hashable {
  static let questions: [Exchange] = [
    Exchange(command: "getVariant", expected: .anything), Exchange(command: "getVariant", expected: .anything),
    Exchange(command: "getVersion", expected: .anything), Exchange(command: "getVersion", expected: .anything),
    Exchange(command: "getDeviceId", expected: .anything), Exchange(command: "getDeviceId", expected: .anything),
    Exchange(command: "getMuxEnabled", expected: .anything),
    // A multiplexer leads the electrodes elsewhere; without one there is nothing to be switched off.
    Exchange(command: "setMuxEnabled", rest: ",\"muxEnabled\":false", expected: .doneOrAbsent),
  ]

  var variant: String?
  var firmware: String?
  var serial: String?
  /// Whether it knows of a multiplexer, as only the board with the finer converters does.
  var hasMultiplexer = false
  /// Whether its electrodes have switches.
  var hasSwitches = true

  /// Takes an answer; nil when it does not agree with the one before.
  mutating func take(_ answer: LineObject, to command: String) -> Bool {
    switch command {
    case "getVariant": Self.agree(&variant, answer.string("variant"))
    case "getVersion": Self.agree(&firmware, answer.string("version"))
    case "getDeviceId": Self.agree(&serial, answer.number("deviceId")?.whole.map { String($0) })
    default: answer.truth("muxEnabled") != nil
    }
  }

  private static func agree(_ before: inout String?, _ answer: String?) -> Bool {
    guard let answer, before == nil || before == answer else {
      before = nil
      return false
    }
    before = answer
    return true
  }
}
