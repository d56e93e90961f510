// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What is asked without the program: whether both channels are off, who the instrument is, whether the program is there,
// what the error queue holds. An answer that is not exactly what its question asks for changes nothing: the question is
// asked again under another number.

import CyclerModel
import InstrumentKit
import Quantities

extension KeithleyTSPDriver {
  /// Disconnects both cells, whatever is under way, and asks for the proof.
  mutating func secure(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    stage = .securing
    renewAt = nil
    ask("", Self.patience, now, &outputs)
  }

  /// Sends the question of the present stage under a number of its own; `before` goes in front of it.
  private mutating func ask(
    _ before: String, _ patience: TimeSpan, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    let number = nextNumber()
    question = Question(number: number, deadline: now + patience)
    outputs.writes.append(contentsOf: before.utf8)
    switch stage {
    case .securing, .ready:
      writeOff(&outputs)
      outputs.writes.append(contentsOf: Self.stateQuestion(number).utf8)
    case .loading: outputs.writes.append(contentsOf: Self.stateQuestion(number).utf8)
    case .identifying: outputs.writes.append(contentsOf: "*IDN?\n".utf8)
    case .clearing:
      outputs.writes.append(
        contentsOf: "nc_e,nc_m=errorqueue.next() print(string.format(\"X \(number) %d %s\",nc_e,nc_m))\n".utf8)
    case .closed, .refused: question = nil
    }
  }

  /// Disconnects both cells. A script that is being loaded would swallow it, so its end goes in front where there may be
  /// one; elsewhere it is an error, and the queue may hold what went wrong.
  private func writeOff(_ outputs: inout DriverOutputs) {
    guard hasIdentified, misses == 0 else {
      outputs.writes.append(contentsOf: Self.safeStopBytes)
      outputs.writes.append(contentsOf: "errorqueue.clear()\n".utf8)
      return
    }
    outputs.writes.append(contentsOf: "\nabort\n\(Self.offMessage)\n".utf8)
  }

  /// Outputs, their off modes as differences from high impedance, the program's version, the length of the error queue.
  static func stateQuestion(_ number: Int) -> String {
    let values = ["smua", "smub"].map { "\($0).source.output,\($0).source.offmode-\($0).OUTPUT_HIGH_Z" }
    return "print(string.format(\"S \(number) %d %d %d %d %d %d\",\(values.joined(separator: ",")),"
      + "nc_version or 0,errorqueue.count))\n"
  }

  private mutating func load(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    stage = .loading
    loads += 1
    ask(InstrumentProgram.messages + "\n", Self.loadPatience, now, &outputs)
  }

  private mutating func clear(
    _ fault: Fault?, isUsable: Bool, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    stage = .clearing(fault, isUsable: isUsable)
    ask("", Self.patience, now, &outputs)
  }

  /// Looks after an instrument that nobody uses.
  mutating func watch(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    watchAt = nil
    ask("", Self.patience, now, &outputs)
  }

  // MARK: Answers

  /// Takes a line for the answer to what is asked, if it is.
  mutating func takeAnswer(
    _ line: UnsafeRawBufferPointer, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) -> Bool {
    // Text to its last byte: a conversion of numbers would stop at a zero byte and call the rest of it right.
    guard let question, line.allSatisfy({ (0x20..<0x7F).contains($0) }) else { return false }
    let answer = String(decoding: line, as: UTF8.self)
    switch stage {
    case .securing, .ready, .loading:
      guard let state = InstrumentState(answer, number: question.number) else { return false }
      return take(state, now, &outputs)
    case .identifying(let before): return takeIdentity(answer, before, now, &outputs)
    case .clearing(let fault, let isUsable):
      let parts = answer.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
      guard parts.count == 4, parts[0] == "X", parts[1] == "\(question.number)", let code = Int(parts[2]) else {
        return false
      }
      answered()
      if code == 0 {
        errorsAreRead(fault, isUsable: isUsable, now, &outputs)
      } else {
        let found = Fault(.instrumentError, "the instrument says `\(code) \(parts[3])`")
        // Its queue holds some; each question takes one out.
        clear(fault ?? found, isUsable: isUsable, now, &outputs)
      }
      return true
    case .closed, .refused: return false
    }
  }

  /// Whether a line says something, be it late or to a question that was left: the program's words, or an answer's.
  static func hasForm(_ line: UnsafeRawBufferPointer) -> Bool {
    if ProgramLine(line) != nil { return true }
    guard line.allSatisfy({ (0x20..<0x7F).contains($0) }) else { return false }
    let text = String(decoding: line, as: UTF8.self)
    let parts = text.split(separator: " ", omittingEmptySubsequences: false)
    guard parts.count >= 4, let number = Int(parts[1]), numbers.contains(number) else {
      return text.uppercased().hasPrefix("KEITHLEY") && text.split(separator: ",").count == 4
    }
    return InstrumentState(text, number: number) != nil || (parts[0] == "X" && Int(parts[2]) != nil)
  }

  /// The question is answered; the next may be asked.
  private mutating func answered() {
    question = nil
    misses = 0
    hasToldTimeout = false
  }

  private mutating func take(
    _ state: InstrumentState, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) -> Bool {
    // Acknowledged and not carried out: it stays unanswered, and is asked again.
    guard state.isOff else { return false }
    let wasLoading = stage == .loading
    answered()
    if stage == .securing { bothAreOff(now, &outputs) }
    if isUndrivable {
      stage = .refused
    } else if identity == nil, !wasLoading {
      stage = .identifying(nil)
      ask("", Self.patience, now, &outputs)
    } else if state.version == InstrumentProgram.version {
      loads = 0
      if state.errors > 0 {
        clear(nil, isUsable: true, now, &outputs)
      } else {
        errorsAreRead(nil, isUsable: true, now, &outputs)
      }
    } else if loads < Self.tolerableMisses {
      // Not there yet, after a power cut, or with a line that was damaged on its way.
      load(now, &outputs)
    } else {
      clear(nil, isUsable: false, now, &outputs)
    }
    return true
  }

  /// Both outputs are confirmed to be off: whatever was under way is over.
  private mutating func bothAreOff(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    for index in channels.indices {
      if channels[index].isClosed {
        let at = max(channels[index].lastTime, channels[index].expectedTime(now))
        outputs.events.append(.circuitMarkLost(channel: index, at: at))
        outputs.events.append(.circuitOpened(channel: index, at: at))
      }
      if hasIdentified || isUndrivable { outputs.events.append(.circuit(channel: index, .openConfirmed)) }
      if let token = channels[index].token {
        let end = channels[index].end ?? .requested
        if case .failed(let fault) = end, !channels[index].hasBegun {
          outputs.events.append(.refused(channel: index, token, fault))
        } else {
          outputs.events.append(.ended(channel: index, token, end))
        }
      }
      channels[index].settle()
    }
  }

  private mutating func errorsAreRead(
    _ fault: Fault?, isUsable: Bool, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    guard isUsable, let identity else {
      stage = .refused
      isUndrivable = true
      let words = "the instrument does not take the program that keeps its set-points"
      outputs.events.append(.fault(channel: nil, fault ?? Fault(.instrumentError, words)))
      return
    }
    stage = .ready
    if let fault, hasIdentified { outputs.events.append(.fault(channel: nil, fault)) }
    guard !hasIdentified else { return }
    hasIdentified = true
    outputs.events.append(.identified(identity))
    tellCircuits(.openConfirmed, &outputs)
  }

  private mutating func takeIdentity(
    _ answer: String, _ before: String?, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) -> Bool {
    let parts = answer.split(separator: ",", omittingEmptySubsequences: false).map(Self.trimmed)
    guard parts.count == 4, parts[0].uppercased().hasPrefix("KEITHLEY"), !parts[2].isEmpty else { return false }
    answered()
    // Two answers that agree: a digit of the serial number that was lost would make another instrument of it.
    guard before == answer else {
      stage = .identifying(answer)
      ask("", Self.patience, now, &outputs)
      return true
    }
    guard let model = SourceMeterModel.allCases.first(where: { $0.identification == parts[1].uppercased() }) else {
      stage = .refused
      isUndrivable = true
      let known = SourceMeterModel.allCases.map(\.rawValue).joined(separator: ", ")
      let fault = Fault(.linkIdentity, "the instrument says that it is `\(answer)`; the driver knows \(known)")
      outputs.events.append(.fault(channel: nil, fault))
      return true
    }
    identity = InstrumentIdentity(
      family: Self.descriptor.family, model: model.rawValue, serial: parts[2], firmware: parts[3],
      capabilities: model.capabilities)
    load(now, &outputs)
    return true
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return String(text)
  }

  // MARK: Silence

  /// No answer came in time.
  mutating func questionMissed(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    misses += 1
    if misses >= Self.tolerableMisses {
      misses = 0
      return giveUp(now, &outputs)
    }
    switch stage {
    // A damaged line of it may still be collecting what was sent since.
    case .loading: secure(now, &outputs)
    case .securing, .ready, .identifying, .clearing: ask("", Self.patience, now, &outputs)
    case .closed, .refused: question = nil
    }
  }

  /// Nobody answers. What can still be done is done: to disconnect, again and again.
  private mutating func giveUp(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    if !hasToldTimeout {
      let fault = Fault(
        .linkTimeout,
        "the instrument left \(Self.tolerableMisses) questions in a row unanswered, the last for "
          + Self.patience.written)
      for index in channels.indices where channels[index].call != nil {
        channels[index].end = channels[index].end ?? .failed(fault)
      }
      tellCircuits(.unknown, &outputs)
      outputs.events.append(.fault(channel: nil, fault))
      hasToldTimeout = true
    }
    secure(now, &outputs)
  }
}

/// The answer to `stateQuestion`: `S 123 0 0 0 0 1 0`.
struct InstrumentState: Sendable, Hashable {
  /// Whether both outputs are off, and off means disconnected.
  var isOff: Bool
  /// The version of the program; 0 without one.
  var version: Int
  /// Entries of the error queue.
  var errors: Int

  /// Reads the answer to the question with that number; nil for anything else.
  init?(_ answer: String, number: Int) {
    let parts = answer.split(separator: " ", omittingEmptySubsequences: false)
    guard parts.count == 8, parts[0] == "S", parts[1] == "\(number)" else { return nil }
    let values = parts.dropFirst(2).compactMap { Int($0) }
    guard values.count == 6, values[4] >= 0, values[5] >= 0 else { return nil }
    isOff = values[..<4].allSatisfy { $0 == 0 }
    version = values[4]
    errors = values[5]
  }
}
