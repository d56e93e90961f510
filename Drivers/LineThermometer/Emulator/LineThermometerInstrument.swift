// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The thermometer's side of the line, written from Drivers/LineThermometer/README.md and not from the driver. Time is
// seconds since it was switched on, whatever they are to whoever lets them pass.

/// A thermometer in a chamber.
public struct LineThermometerInstrument: Sendable {
  /// Seconds between two lines.
  public static let interval = 1.0

  /// Who it is.
  public let serial: String
  /// Where its sensor is.
  public var chamber: Chamber
  /// Whether its sensor is connected.
  public var hasSensor = true
  /// Seconds since it was switched on.
  public private(set) var time = 0.0
  private var nextLineAt = interval
  private var heard: [UInt8] = []
  private var answersDue = 0

  /// A thermometer that was just switched on.
  public init(serial: String, chamber: Chamber) {
    self.serial = serial
    self.chamber = chamber
  }

  /// Bytes came from the host.
  public mutating func receive(_ bytes: UnsafeRawBufferPointer) {
    for byte in bytes {
      if byte == UInt8(ascii: "\n") {
        if heard.elementsEqual("?".utf8) { answersDue += 1 }
        heard.removeAll(keepingCapacity: true)
      } else if byte != UInt8(ascii: "\r"), heard.count < 64 {
        heard.append(byte)
      }
    }
  }

  /// Lets time pass until `limit` and appends what it says to `output`.
  public mutating func run(until limit: Double, output: inout [UInt8]) {
    while answersDue > 0 {
      answersDue -= 1
      say("THERMOMETER,emulated,\(serial),1.0", &output)
    }
    while nextLineAt <= limit {
      pass(to: nextLineAt)
      nextLineAt += Self.interval
      say(hasSensor ? "T \(Self.decimal(chamber.temperature))" : "E disconnected", &output)
    }
    pass(to: limit)
  }

  /// Its supply is cut and comes back: it says who it is, and counts its seconds anew.
  public mutating func powerCycle(output: inout [UInt8]) {
    heard.removeAll()
    answersDue = 0
    nextLineAt = time + Self.interval
    say("THERMOMETER,emulated,\(serial),1.0", &output)
  }

  private mutating func pass(to moment: Double) {
    guard moment > time else { return }
    chamber.pass(moment - time)
    time = moment
  }

  /// With three digits after the point.
  private static func decimal(_ value: Double) -> String {
    let thousandths = Int64((value * 1_000).rounded())
    let digits = String(thousandths.magnitude)
    let padded = String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
    return (thousandths < 0 ? "-" : "") + padded.dropLast(3) + "." + padded.suffix(3)
  }

  private func say(_ body: String, _ output: inout [UInt8]) {
    let sum = body.utf8.reduce(0 as UInt8, ^)
    let digits = String(sum, radix: 16, uppercase: true)
    output.append(contentsOf: (body + "*" + (digits.utf8.count < 2 ? "0" : "") + digits + "\n").utf8)
  }
}
