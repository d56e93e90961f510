// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// One line of the host and what its answer must say. The instrument answers in order and repeats the command's name, so
// an answer is told from a late one by its name, and by what it says where the same is asked twice.

import Quantities

/// A command and its answer.
struct Exchange: Sendable, Hashable {
  /// What an answer must say to be one.
  enum Expected: Sendable, Hashable {
    /// That it was done.
    case done
    /// That it was done, or that the instrument has no such thing.
    case doneOrAbsent
    /// This truth under this key.
    case truth(String, Bool)
    /// This text under this key.
    case text(String, String)
    /// This whole number under this key.
    case whole(String, Int64)
    /// These parameters, as numbers.
    case parameters([Parameter])
    /// A code of the current's converter.
    case current(ConverterScale)
    /// A code of the reference's converter.
    case voltage(ConverterScale)
    /// Something that is read where it is used.
    case anything
  }

  /// A parameter of a test, in millionths of a millionth of its unit.
  struct Parameter: Sendable, Hashable {
    var name: String
    var picounits: Int64
    /// Milliseconds are written without a point.
    var isWhole = false

    static func volts(_ name: String, _ voltage: Voltage) -> Self {
      Self(name: name, picounits: voltage.nanovolts * 1_000)
    }
    static func milliseconds(_ name: String, _ value: Int64) -> Self {
      Self(name: name, picounits: value, isWhole: true)
    }

    var written: String { isWhole ? String(picounits) : DecimalText.written(picounits: picounits) }

    /// Whether a number is this, as exactly as the firmware writes it.
    func isMet(by text: DecimalText) -> Bool {
      if isWhole { return text.whole == picounits }
      let wanted = Double(picounits) / 1e12
      return (text.value - wanted).magnitude <= 2 * DecimalText.lastDigit(of: wanted)
    }
  }

  var command: String
  /// What follows the command's name, from the comma on.
  var rest = ""
  var expected: Expected = .done

  /// Of a test's parameters.
  static func set(_ test: String, _ parameters: [Parameter]) -> Exchange {
    let list = parameters.map { "\"\($0.name)\":\($0.written)" }.joined(separator: ",")
    return Exchange(
      command: "setParam", rest: ",\"test\":\"\(test)\",\"param\":{\(list)}", expected: .parameters(parameters))
  }

  static func run(_ test: String) -> Exchange {
    Exchange(command: "runTest", rest: ",\"test\":\"\(test)\"", expected: .text("test", test))
  }

  static func switchElectrode(_ command: String, _ isConnected: Bool) -> Exchange {
    Exchange(
      command: command, rest: ",\"connected\":\(isConnected)", expected: .truth("connected", isConnected))
  }

  static func range(_ command: String, _ key: String, _ name: String) -> Exchange {
    Exchange(command: command, rest: ",\"\(key)\":\"\(name)\"", expected: .text(key, name))
  }

  static func current(_ scale: ConverterScale) -> Exchange {
    Exchange(command: "getCurr", expected: .current(scale))
  }

  static func voltage(_ scale: ConverterScale) -> Exchange {
    Exchange(command: "getRefVolt", expected: .voltage(scale))
  }

  /// Ends what runs, disconnects all electrodes, and asks each whether it is: the answer for all at once is false as
  /// soon as one is disconnected.
  static let safe: [Exchange] = [
    Exchange(command: "stopTest"),
    Exchange(command: "setAllElectConnected", rest: ",\"connected\":false", expected: .doneOrAbsent),
    Exchange(command: "getCtrElectConnected", expected: .truth("connected", false)),
    Exchange(command: "getWrkElectConnected", expected: .truth("connected", false)),
    Exchange(command: "getRefElectConnected", expected: .truth("connected", false)),
  ]

  // MARK: The line

  /// A USB packet. The firmware's library sees a message late that fills whole ones.
  private static let packet = 64

  /// Appends the line. Blanks in front bring its length to 1 to 31 more than whole packets, so that neither it nor two of
  /// them together fill whole ones.
  func write(into bytes: inout [UInt8]) {
    let length = 15 + command.utf8.count + rest.utf8.count
    let over = length % Self.packet
    if !(1...Self.packet / 2 - 1).contains(over) {
      bytes.append(contentsOf: repeatElement(0x20, count: (Self.packet + 1 - over) % Self.packet))
    }
    bytes.append(contentsOf: "{\"command\":\"".utf8)
    bytes.append(contentsOf: command.utf8)
    bytes.append(UInt8(ascii: "\""))
    bytes.append(contentsOf: rest.utf8)
    bytes.append(contentsOf: "}\n".utf8)
  }
}
