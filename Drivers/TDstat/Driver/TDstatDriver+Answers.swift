// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What an answer means, and what is done next.

import CyclerModel
import InstrumentKit
import Quantities

extension TDstatDriver {
  /// An answer came to what was asked last.
  mutating func answered(
    _ answer: Answer, _ question: Question, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    switch answer {
    case .refused: refused(question, now, &outputs)
    case .acknowledged:
      if question == .cellOff { noteOpened(now, &outputs) }
      if case .range(let number) = question { range = model.ranges[min(number, model.ranges.count) - 1] }
      stepDone(now, &outputs)
    case .waiting: mustWait(now, &outputs)
    case .conversion(let conversion):
      conversionBeganAt = now
      waitsSince = now
      take(conversion, now, &outputs)
    case .memory(let bytes): take(bytes, question, now, &outputs)
    }
  }

  private mutating func stepDone(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    place += 1
    goOn(now, &outputs)
  }

  /// A pause is over: within a list of steps, between two conversions, or between two readings.
  mutating func resume(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    if place < steps.count, case .pause = steps[place] { return stepDone(now, &outputs) }
    if purpose == .running, let course, case .end(let end) = course.hosted.judge(at: course.time(now)) {
      return begin(Step.disconnect, for: .ending(end), now, &outputs)
    }
    send(.conversion, now, &outputs)
  }

  /// It does not know the command.
  private mutating func refused(_ question: Question, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    let words = "the instrument answers `?` to `\(question.words)`"
    switch purpose {
    case .none: return
    case .confirming where identity != nil: stuck(words, now, &outputs)
    case .opening where refusals < Self.tolerableRefusals:
      // It may be the answer to what somebody sent before: bytes of a host that was cut off, or several packets in one.
      refusals += 1
      begin([.pause(Self.settleTime)] + Step.open, for: .opening, now, &outputs)
    case .opening, .confirming:
      isUndrivable = true
      purpose = .none
      outputs.events.append(.circuit(channel: 0, .unknown))
      outputs.events.append(.fault(channel: nil, Fault(.linkIdentity, words + ": it is neither TDstatv3 nor MYSTAT")))
    case .arming, .closing, .running, .handingOver: fail(Fault(.instrumentRefused, words), now, &outputs)
    case .ending, .refusing: stuck(words, now, &outputs)
    }
  }

  /// The conversion has not ended yet.
  private mutating func mustWait(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard now - waitsSince >= Self.conversionPatience else {
      // The very first begins with the question.
      pausedUntil = now + (conversionBeganAt == nil ? Self.conversionTime : Self.waitTime)
      return
    }
    waitsSince = now
    let words = "its converters have found nothing for \(Self.conversionPatience.written)"
    switch purpose {
    case .arming, .closing, .running, .handingOver: fail(Fault(.instrumentNoReading, words), now, &outputs)
    case .none, .opening, .confirming, .ending, .refusing: stuck(words, now, &outputs)
    }
  }

  /// A set-point cannot go on.
  mutating func fail(_ fault: Fault, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard let course else { return }
    begin(Step.disconnect, for: course.hasBegun ? .ending(.failed(fault)) : .refusing(fault), now, &outputs)
  }

  // MARK: - What is kept

  private mutating func take(
    _ bytes: AnswerBytes, _ question: Question, _ now: HostInstant, _ outputs: inout DriverOutputs
  ) {
    guard memory == bytes else {
      memory = bytes
      memoryAttempt += 1
      guard memoryAttempt < Self.memoryAttempts else {
        return stuck("its answers to `\(question.words)` never agree", now, &outputs)
      }
      return send(question, now, &outputs)
    }
    memory = nil
    memoryAttempt = 0
    switch question {
    case .offsets: calibration.takeOffsets(bytes)
    case .outputCalibration: calibration.takeOutput(bytes)
    case .shunts:
      model = TDstatModel(shuntBytes: bytes.count)
      calibration.takeShunts(bytes)
    case .cellOff, .cellOn, .potentiostatic, .galvanostatic, .range, .output, .conversion: break
    }
    stepDone(now, &outputs)
  }

  // MARK: - Conversions

  private mutating func take(_ conversion: Conversion, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard discard == 0 else {
      discard -= 1
      pausedUntil = now + Self.conversionTime
      return
    }
    let measured = Measured(
      voltage: conversion.voltage.isOverload ? nil : scale.voltage(conversion.voltage),
      current: conversion.current.isOverload ? nil : scale.current(conversion.current, range))
    if purpose == .running {
      read(measured, now, &outputs)
    } else {
      looked = measured
      stepDone(now, &outputs)
    }
  }

  // MARK: - All steps are done

  /// Goes over to what comes next.
  mutating func finished(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    switch purpose {
    case .none, .running: return
    case .closing: startReadings(now, discarding: 1)
    case .arming, .handingOver, .opening, .confirming, .ending, .refusing:
      guard isNone(looked.current) else {
        let words = looked.current.map(\.written) ?? "a current beyond its range"
        return stuck("\(words) is measured while the cell should be disconnected", now, &outputs)
      }
      hasToldStuck = false
      disconnected(now, &outputs)
    }
  }

  private func isNone(_ current: Current?) -> Bool {
    guard let current else { return false }
    return course?.isNone(current, range) ?? (current.magnitude <= SetpointCourse.Tolerance.zero(range))
  }

  /// The cell is confirmed to be disconnected.
  private mutating func disconnected(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    let done = purpose
    purpose = .none
    switch done {
    case .none, .running, .closing: return
    case .opening: identified(&outputs)
    case .confirming:
      outputs.events.append(.circuit(channel: 0, isUndrivable ? .unknown : .openConfirmed))
    case .arming: armed(now, &outputs)
    case .handingOver: handOver(now, &outputs)
    case .ending(let end): ended(end, &outputs)
    case .refusing(let fault): notTaken(fault, &outputs)
    }
  }

  private mutating func identified(_ outputs: inout DriverOutputs) {
    let identity = InstrumentIdentity(
      family: Self.descriptor.family, model: model.rawValue, serial: "", firmware: calibration.words,
      capabilities: model.capabilities)
    self.identity = identity
    outputs.events.append(.identified(identity))
    outputs.events.append(.circuit(channel: 0, .openConfirmed))
  }

  /// It does not do what it acknowledges. It is told again and again; what can be done without knowing the circuit is done.
  mutating func stuck(_ words: String, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    if !hasToldStuck {
      hasToldStuck = true
      outputs.events.append(.circuit(channel: 0, .unknown))
      outputs.events.append(.fault(channel: identity == nil ? nil : 0, Fault(.instrumentSetpointNotFollowed, words)))
    }
    // When it was disconnected is not known any more.
    course?.openedAt = nil
    course?.momentIsLost = true
    let fault = Fault(.instrumentSetpointNotFollowed, words)
    switch purpose {
    case .opening: begin([.pause(Self.retryTime)] + Step.open, for: .opening, now, &outputs)
    case .none, .confirming: begin([.pause(Self.retryTime)] + Step.disconnect, for: .confirming, now, &outputs)
    case .ending, .refusing: begin(disconnectAgain, for: purpose, now, &outputs)
    case .arming, .closing, .running, .handingOver:
      begin(disconnectAgain, for: course?.hasBegun == true ? .ending(.failed(fault)) : .refusing(fault), now, &outputs)
    }
  }

  /// A galvanostat is told to keep nothing meanwhile, the next best thing to an open circuit; a potentiostat has none. What
  /// then does not flow proves nothing, so that for a tenth of a second it is told to keep its current again: a cell that
  /// is disconnected does not see it.
  var disconnectAgain: [Step] {
    guard case .current(let current)? = course?.target else { return [.pause(Self.retryTime)] + Step.disconnect }
    return [
      .ask(.cellOff), .ask(.output(scale.code(.zero, range))), .pause(Self.retryTime), .ask(.cellOff),
      .ask(.output(scale.code(current, range))), .look(discarding: 1),
    ]
  }
}
