// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import VirtualLab

/// The keys of one object of a script of faults, taken out one by one: what is left at the end is unknown.
struct FaultFields {
  private var fields: [String: PresetJSON]
  private var known: Set<String> = []
  private let place: String

  init(_ fields: [String: PresetJSON], place: String) {
    self.fields = fields
    self.place = place
  }

  /// All kinds, in the order of the documentation.
  static let kinds = [
    "mute", "stall", "garbage", "slow", "late", "glued", "truncated", "corrupted", "duplicated", "interleaved",
    "wrong_value", "liar", "refusing", "frozen_reading", "overload", "not_a_number", "disconnect", "reboot",
  ]

  /// One entry of the list.
  static func entry(_ value: PresetJSON, _ number: Int, _ file: String) throws(BenchError) -> FaultScript.Entry {
    guard case .object(let object) = value else { throw BenchError("\(file): fault \(number) has to be an object") }
    guard case .text(let name)? = object["kind"], kinds.contains(name) else {
      throw BenchError("\(file): fault \(number): kind is one of \(kinds.joined(separator: ", "))")
    }
    var fields = FaultFields(object, place: "\(file): fault \(number) (\(name))")
    _ = fields.take("kind")
    let kind = try fields.kind(name)
    let begin = try fields.begin()
    let seconds = try fields.number("for_seconds", 0.001...1e9)
    switch kind {
    case .disconnect, .reboot:
      if seconds == nil { throw fields.error("for_seconds is needed: how long the line is gone") }
    case .line, .instrument: break
    }
    let channel = try fields.number("channel", 1...64, isWhole: true).map { Int($0) } ?? 1
    let instrument = try fields.number("instrument", 0...1e6, isWhole: true).map { Int($0) }
    try fields.end(known: [])
    return FaultScript.Entry(
      place: number, name: name, instrument: instrument,
      fault: ScheduledFault(kind, begin, seconds: seconds ?? .infinity, channel: channel - 1))
  }

  // MARK: - Kinds

  private mutating func kind(_ name: String) throws(BenchError) -> ScheduledFault.Kind {
    switch name {
    case "mute": .line(.mute)
    case "stall": .line(.stall)
    case "garbage": try garbage()
    case "slow": .line(.slow(bytesPerSecond: try needed("bytes_per_second", 0.01...1e6)))
    case "late": .line(.late(seconds: try needed("delay_seconds", 0.001...1e6)))
    case "glued": .line(.glued(seconds: try needed("window_seconds", 0.001...1e6)))
    case "truncated": .line(.truncated(at: Int(try needed("keep_bytes", 0...65_536, isWhole: true))))
    case "corrupted":
      .line(
        .corrupted(
          at: Int(try needed("at_byte", 0...65_536, isWhole: true)),
          byte: UInt8(try needed("value", 0...255, isWhole: true))))
    case "duplicated": .line(.duplicated)
    case "interleaved":
      .line(.interleaved(try bytes("bytes"), at: Int(try needed("at_byte", 0...65_536, isWhole: true))))
    case "wrong_value": .instrument(.wrongValue(try wrongValue()))
    case "liar": .instrument(.liar)
    case "refusing": .instrument(.refusing)
    case "frozen_reading": .instrument(.frozenReading)
    case "overload": .instrument(.overload)
    case "not_a_number": .instrument(.notANumber)
    case "disconnect": .disconnect
    default: .reboot
    }
  }

  private mutating func garbage() throws(BenchError) -> ScheduledFault.Kind {
    let rate = try number("bytes_per_second", 0...1e6)
    let share = try number("replacing", 0...1)
    guard (rate ?? 0) > 0 || (share ?? 0) > 0 else {
      throw error(
        "give bytes_per_second above 0, for bytes between the others, or replacing, the share of bytes to be replaced")
    }
    return .line(.garbage(bytesPerSecond: rate ?? 0, replacing: share ?? 0))
  }

  private mutating func wrongValue() throws(BenchError) -> WrongValue {
    var wrong = WrongValue()
    wrong.voltageFactor = try number("voltage_factor", -1e3...1e3) ?? 1
    wrong.voltageOffset = try number("voltage_offset_V", -1e3...1e3) ?? 0
    wrong.currentFactor = try number("current_factor", -1e3...1e3) ?? 1
    wrong.currentOffset = try number("current_offset_A", -1e3...1e3) ?? 0
    guard wrong != WrongValue() else {
      throw error("nothing is wrong: give voltage_factor, voltage_offset_V, current_factor or current_offset_A")
    }
    return wrong
  }

  private mutating func begin() throws(BenchError) -> ScheduledFault.Begin {
    let seconds = try number("at_seconds", 0...1e9)
    let closing = try number("at_closing", 1...1e6, isWhole: true)
    switch (seconds, closing) {
    case (let seconds?, nil): return .time(seconds)
    case (nil, let closing?): return .closing(Int(closing))
    case (nil, nil), (_?, _?):
      // A word that was meant to be one of them is likelier than none.
      if let key = fields.keys.filter({ !["for_seconds", "channel", "instrument"].contains($0) }).min() {
        throw error("there is no \(key) here; when it begins is said with at_seconds or at_closing")
      }
      throw error(
        "say when, with one of at_seconds, of virtual time since power-on, and at_closing, the n-th closing of the circuit, from 1"
      )
    }
  }

  // MARK: - Values

  /// A value, once.
  mutating func take(_ key: String) -> PresetJSON? {
    known.insert(key)
    return fields.removeValue(forKey: key)
  }

  /// A number of a range; nil where there is none.
  mutating func number(_ key: String, _ range: ClosedRange<Double>, isWhole: Bool = false) throws(BenchError) -> Double?
  {
    guard let value = take(key) else { return nil }
    guard case .number(let number) = value, range.contains(number), !isWhole || number == number.rounded() else {
      let kind = isWhole ? "a whole number" : "a number"
      throw error("\(key) is \(kind) from \(Self.short(range.lowerBound)) to \(Self.short(range.upperBound))")
    }
    return number
  }

  private mutating func needed(_ key: String, _ range: ClosedRange<Double>, isWhole: Bool = false) throws(BenchError)
    -> Double
  {
    guard let value = try number(key, range, isWhole: isWhole) else { throw error("\(key) is needed") }
    return value
  }

  private mutating func bytes(_ key: String) throws(BenchError) -> [UInt8] {
    guard case .list(let list)? = take(key), !list.isEmpty, list.count <= 4_096 else {
      throw error("\(key) is a list of 1 to 4096 numbers from 0 to 255")
    }
    var bytes: [UInt8] = []
    for item in list {
      guard case .number(let number) = item, let byte = UInt8(exactly: number) else {
        throw error("\(key) is a list of 1 to 4096 numbers from 0 to 255")
      }
      bytes.append(byte)
    }
    return bytes
  }

  /// Refuses what nobody asked for.
  func end(known more: Set<String>) throws(BenchError) {
    guard let key = fields.keys.min() else { return }
    throw error("there is no \(key) here; there are: \(known.union(more).sorted().joined(separator: ", "))")
  }

  func error(_ words: String) -> BenchError { BenchError("\(place): \(words)") }

  private static func short(_ number: Double) -> String {
    number == number.rounded() && number.magnitude < 1e15 ? String(Int64(number)) : String(number)
  }
}
