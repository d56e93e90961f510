// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Commands: printing, measuring, waiting, the clock and the error queue.

extension TSPInstrument {
  /// Carries out a command; `task` is what the machine then waits for.
  mutating func call(_ command: InstrumentCommand, _ channel: Int, _ arguments: [LuaValue]) {
    switch command {
    case .print: say(arguments.map { printed($0) }.joined(separator: "\t"))
    case .delay:
      guard let seconds = arguments.first?.number, seconds >= 0, seconds < 1e5 else { return refuse("delay") }
      task = .wait(until: startsAt + seconds, [])
    case .reset: reset()
    case .resetChannel: resetChannel(channel)
    case .waitcomplete, .exit, .nothing: break
    case .measureVoltage, .measureCurrent, .measureBoth, .measureResistance, .measurePower:
      guard arguments.isEmpty else {
        return fail(-286, "TSP Runtime error: reading buffers are not in the emulator")
      }
      beginMeasurement(command, channel)
    case .readTimer: task = .wait(until: startsAt, [.number(max(startsAt, time) - clockZero)])
    case .resetTimer: clockZero = max(startsAt, time)
    case .waitForTrigger:
      guard let seconds = arguments.first?.number, seconds >= 0, seconds < 1e5 else { return refuse("wait") }
      task = .trigger(until: startsAt + seconds)
    case .clearTrigger: isTriggered = false
    case .nextError: task = .wait(until: startsAt, nextError())
    case .clearErrors: errors = []
    }
  }

  private mutating func refuse(_ name: String) {
    fail(-286, "TSP Runtime error: bad argument #1 to `\(name)' (number expected)")
  }

  private mutating func nextError() -> [LuaValue] {
    guard !errors.isEmpty else { return [.number(0), .text("Queue Is Empty"), .number(0), .number(1)] }
    let (number, words) = errors.removeFirst()
    return [.number(Double(number)), .text(words), .number(20), .number(1)]
  }

  /// As `print` writes a value.
  private func printed(_ value: LuaValue) -> String {
    guard case .number(let number) = value else { return machine.text(of: value) }
    if number.isNaN { return "nan" }
    return LuaText.written(number, "%.\(precision - 1)e")
  }

  /// Each quantity takes its power-line cycles, and both of `iv` lie in one conversion after the other.
  private mutating func beginMeasurement(_ command: InstrumentCommand, _ channel: Int) {
    let conversions = command == .measureVoltage || command == .measureCurrent ? 1.0 : 2.0
    let length = conversions * (meters[channel].cycles / 50 + 1e-3)
    task = .measure(at: startsAt + length / 2, until: startsAt + length, channel: channel, command)
  }

  /// What a measurement gives at this moment.
  func measured(_ command: InstrumentCommand, _ channel: Int) -> [LuaValue] {
    let found = meters[channel].measure(cells[channel])
    switch command {
    case .measureVoltage: return [.number(found.volts)]
    case .measureCurrent: return [.number(found.amperes)]
    case .measureResistance: return [.number(found.volts / found.amperes)]
    case .measurePower: return [.number(found.volts * found.amperes)]
    default: return [.number(found.amperes), .number(found.volts)]
    }
  }
}
