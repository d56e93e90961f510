// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The parameters of a test as the line carries them: milliseconds, volts. Which kinds of number a parameter takes is the
// firmware's; so is that an unknown one is left aside without a word.

extension VoltageTest {
  /// What a parameter takes.
  private enum Form {
    /// Any number.
    case level(WritableKeyPath<VoltageTest, Float>)
    /// Any number, of which the sign is dropped.
    case size(WritableKeyPath<VoltageTest, Float>)
    /// Whole milliseconds.
    case time(WritableKeyPath<VoltageTest, UInt64>)
    /// A whole number.
    case count(WritableKeyPath<VoltageTest, UInt32>)
    /// A part between 0 and 1.
    case part(WritableKeyPath<VoltageTest, Float>)
    /// Pairs of milliseconds and volts.
    case steps(most: Int)
  }

  private var parameters: [(String, Form)] {
    let quiet: [(String, Form)] = [("quietValue", .level(\.quietValue)), ("quietTime", .time(\.quietTime))]
    let ends: [(String, Form)] = [("startValue", .level(\.startValue)), ("finalValue", .level(\.finalValue))]
    switch course {
    case .constant: return quiet + [("value", .level(\.value)), ("duration", .time(\.duration))]
    case .linearSweep: return quiet + ends + [("duration", .time(\.duration))]
    case .cyclic, .sinusoid:
      return quiet + [
        ("amplitude", .level(\.amplitude)), ("offset", .level(\.offset)), ("period", .time(\.period)),
        ("numCycles", .count(\.cycles)), ("shift", .level(\.shift)),
      ]
    case .chronoamp: return quiet + [("step", .steps(most: 2))]
    case .multiStep: return quiet + [("step", .steps(most: 50))]
    case .squareWave:
      return quiet + ends + [
        ("stepValue", .size(\.stepValue)), ("amplitude", .size(\.amplitude)), ("window", .part(\.window)),
      ]
    case .differentialPulse:
      return quiet + ends + [
        ("stepValue", .size(\.stepValue)), ("pulseValue", .size(\.pulseValue)), ("window", .part(\.window)),
      ]
    }
  }

  /// All parameters.
  var written: FirmwareObject {
    var object = FirmwareObject()
    for (name, form) in parameters { object[name] = written(form) }
    return object
  }

  private func written(_ form: Form) -> FirmwareValue {
    switch form {
    case .level(let path), .size(let path), .part(let path): .number(self[keyPath: path])
    case .time(let path): .integer(Int64(UInt32(truncatingIfNeeded: self[keyPath: path] / 1_000)))
    case .count(let path): .integer(Int64(self[keyPath: path]))
    case .steps:
      .list(
        steps.map { .list([.integer(Int64(UInt32(truncatingIfNeeded: $0.duration / 1_000))), .number($0.value)]) })
    }
  }

  /// Takes what is named; what was taken, and what is wrong with the rest.
  mutating func set(_ asked: FirmwareObject) -> (taken: FirmwareObject, complaints: [String]) {
    var taken = FirmwareObject()
    var complaints: [String] = []
    for (name, form) in parameters {
      guard let value = asked[name] else {
        if case .steps = form { complaints.append("\(name) key not found") }
        continue
      }
      if let complaint = set(form, value, named: name) {
        complaints.append(complaint)
      } else {
        taken[name] = written(form)
      }
      // The quiet time is not among what makes the firmware work out the end of a stair.
      if isStair, name != "quietTime", name != "quietValue" { updateStairEnd() }
    }
    return (taken, complaints)
  }

  private mutating func set(_ form: Form, _ value: FirmwareValue, named name: String) -> String? {
    switch form {
    case .level(let path): set(path, value.anyNumber, name) { $0 }
    case .size(let path): set(path, value.anyNumber, name) { $0.magnitude }
    case .part(let path): set(path, value.anyNumber, name) { min($0.magnitude, 1) }
    case .time(let path): set(path, value.unsigned.map { UInt64($0) * 1_000 }, name)
    case .count(let path): set(path, value.unsigned, name)
    case .steps(let most): setSteps(value, most: most, name)
    }
  }

  private mutating func set(
    _ path: WritableKeyPath<VoltageTest, Float>, _ value: Float?, _ name: String, _ shape: (Float) -> Float
  ) -> String? {
    guard let value else { return "\(name) not a float" }
    self[keyPath: path] = shape(value)
    return nil
  }

  private mutating func set<Number>(
    _ path: WritableKeyPath<VoltageTest, Number>, _ value: Number?, _ name: String
  ) -> String? {
    guard let value else { return "\(name) not uint32" }
    self[keyPath: path] = value
    return nil
  }

  private mutating func setSteps(_ value: FirmwareValue, most: Int, _ name: String) -> String? {
    guard case .list(let items) = value else { return "\(name) not a JsonArray" }
    if items.count > most { return "\(name) array too large" }
    var fresh: [Step] = []
    for item in items {
      guard case .list(let pair) = item else { return "\(name) item not JsonArary" }
      guard pair.count == 2 else { return "\(name) item size!=2" }
      guard let milliseconds = pair[0].unsigned else { return "\(name) item[0] not uint32" }
      // Without a point a number is none here.
      guard case .number(let level) = pair[1] else { return "\(name) item[1] not float" }
      fresh.append(Step(duration: UInt64(milliseconds) * 1_000, value: level))
    }
    steps = fresh
    return nil
  }
}
