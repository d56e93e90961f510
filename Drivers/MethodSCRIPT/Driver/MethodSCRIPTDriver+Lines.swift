// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What each line means in each stage. A line that does not have its exact shape is counted and otherwise as if it had
// not come.

import CyclerModel
import InstrumentKit
import Quantities

extension MethodSCRIPTDriver {
  /// Takes one line without its end.
  @inline(__always)
  mutating func handleLine(_ line: UnsafeRawBufferPointer, into outputs: inout DriverOutputs) {
    if line.isEmpty { return handleEmptyLine(into: &outputs) }
    if line[0] == UInt8(ascii: "P") { return handlePackage(line, into: &outputs) }
    handleOther(line, into: &outputs)
  }

  /// The end of a script, or the answer to an empty line.
  private mutating func handleEmptyLine(into outputs: inout DriverOutputs) {
    switch stage {
    case .running:
      purpose = .ending(
        .failed(
          progress.finalReason == nil
            ? Fault(.linkGarbage, "the script ended and its last message could not be read")
            : Fault(.instrumentError, "the script ended without a reason of ours; something else aborted it")))
      misses = 0
      scriptIsOver(into: &outputs)
    case .draining:
      misses = 0
      scriptIsOver(into: &outputs)
    case .cellOffRunning:
      // What a zero is depends on the model.
      if model != nil {
        startProof(into: &outputs)
      } else if purpose == .opening {
        askWhoItIs(into: &outputs)
      } else {
        cellIsDisconnected(into: &outputs)
      }
    case .proofRunning:
      proofIsOver(into: &outputs)
    case .portClosed, .aborting, .cellOffSent, .proofSent, .askingFirmware, .askingSerial, .askingScriptVersion,
      .askingFeatures,
      .undrivable, .idle,
      .uploading, .quiet, .catchingUp, .askingWhetherIdle:
      break
    }
  }

  private mutating func handleOther(_ line: UnsafeRawBufferPointer, into outputs: inout DriverOutputs) {
    guard let text = Self.printable(line) else {
      return noteGarbage("a line with unprintable bytes", into: &outputs)
    }
    switch line[0] {
    case UInt8(ascii: "M"): handleLoopStart(text, into: &outputs)
    case UInt8(ascii: "T"): handleSignature(text, into: &outputs)
    case UInt8(ascii: "!"): handleRuntimeError(text, into: &outputs)
    case UInt8(ascii: "Y"): handleRenewalAnswer(text, into: &outputs)
    case UInt8(ascii: "Z"): handleAbortAnswer(text, into: &outputs)
    case UInt8(ascii: "e"): handleScriptAnswer(text, into: &outputs)
    default: handleAnswer(text, into: &outputs)
    }
  }

  /// A measuring loop began, and with it a lease, unless the script says its leases itself.
  private mutating func handleLoopStart(_ text: String, into outputs: inout DriverOutputs) {
    guard text.utf8.count == 5, Self.hexadecimal(text.dropFirst()) else { return unexpected(text, into: &outputs) }
    guard progress.isActive else { return }
    noteBegan(into: &outputs)
    if !progress.saysLeases {
      progress.leaseBegan = -1
      progress.renewalAsked = -1
    }
    guard stage == .running else { return }
    if progress.longestPoint > 0, text == Self.impedanceLoop { return awaitPoint() }
    awaitReading()
    renewLeaseAtLoopStart(into: &outputs)
  }

  /// The script took hold. Said by its `e`, and by anything else that only it can say should that be lost.
  mutating func noteBegan(into outputs: inout DriverOutputs) {
    guard progress.isActive, !progress.hasBegun, let setpoint else { return }
    progress.hasBegun = true
    outputs.events.append(.began(channel: 0, setpoint.token))
    if progress.isDriven { outputs.events.append(.circuit(channel: 0, .closed)) }
    if stage == .uploading {
      stage = .running
      misses = 0
      awaitReading()
    }
  }

  /// `nacycler RUN STEPCOUNT driven`: a script of ours names itself at its end.
  private mutating func handleSignature(_ text: String, into outputs: inout DriverOutputs) {
    let words = text.dropFirst().split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 4, words[0] == Signature.word, let run = Int64(words[1]), let count = Int32(words[2]), run > 0,
      count > 0, words[3] == Signature.driven || words[3] == Signature.rest
    else { return unexpected(text, into: &outputs) }
    let token = SetpointToken(run: run, stepCount: count)
    if progress.isActive {
      if token == setpoint?.token { noteBegan(into: &outputs) } else { unexpected(text, into: &outputs) }
    } else if !isIdentified, purpose == .opening {
      orphan = Orphan(token: token, isDriven: words[3] == Signature.driven)
    }
  }

  /// `!0014: Line 12`: the script stopped where it was, without disconnecting the cell.
  private mutating func handleRuntimeError(_ text: String, into outputs: inout DriverOutputs) {
    guard text.utf8.count >= 5, Self.hexadecimal(text.dropFirst().prefix(4)) else {
      return unexpected(text, into: &outputs)
    }
    let number = text.dropFirst().prefix(4)
    let place = text.dropFirst(5)
    let code: FaultCode = number == InstrumentErrors.criticalOverload ? .instrumentOverload : .instrumentError
    let fault = Fault(code, "the script stopped with error \(InstrumentErrors.describe(number))\(place)")
    switch stage {
    case .uploading, .running:
      noteBegan(into: &outputs)
      misses = 0
      startCellOff(.ending(.failed(fault)), into: &outputs)
    case .aborting, .draining:
      if case .ending = purpose { purpose = .ending(.failed(fault)) }
      startCellOff(purpose, into: &outputs)
    case .cellOffRunning:
      misses += 1
      noteRefusedDisconnection(fault.detail, into: &outputs)
      waitQuietly(misses < Deadline.misses ? .cellOff : .abort)
    case .proofRunning:
      doubt(OpeningDoubt("its current is not measured: \(fault.detail)"), into: &outputs)
    case .portClosed, .cellOffSent, .proofSent, .askingFirmware, .askingSerial, .askingScriptVersion, .askingFeatures,
      .undrivable,
      .idle, .quiet,
      .catchingUp, .askingWhetherIdle:
      break
    }
  }

  /// `Y`: the loop is over and the next begins. `Y!0006`: it had ended before; the instrument is deaf for a while now.
  private mutating func handleRenewalAnswer(_ text: String, into outputs: inout DriverOutputs) {
    guard text == "Y" || text.hasPrefix("Y!") else { return unexpected(text, into: &outputs) }
    unansweredCommands = max(unansweredCommands &- 1, 0)
    if text == "Y" { answerCame() } else { heardError() }
  }

  /// What waits for the end of the deafness after an error begins to wait anew. Nothing that is on its way is sent
  /// again for it: it may have come after the deafness, and if it did not, its own deadline finds out.
  private mutating func heardError() {
    switch stage {
    case .idle: waitQuietly(.idle)
    case .quiet(let next): waitQuietly(next)
    case .catchingUp: answerCame()
    case .askingWhetherIdle: waitQuietly(.question)
    case .running, .draining: errorHeardAt = now
    // The abort may have fallen into the deafness, and nothing is more urgent; aborting twice does no harm.
    case .aborting: waitQuietly(.abort)
    case .portClosed, .uploading, .cellOffSent, .cellOffRunning, .proofSent, .proofRunning, .askingFirmware,
      .askingSerial,
      .askingScriptVersion, .askingFeatures, .undrivable:
      break
    }
  }

  /// `Z`: a script is being aborted. `Z!0006`: there is none.
  private mutating func handleAbortAnswer(_ text: String, into outputs: inout DriverOutputs) {
    let isError = text.hasPrefix("Z!") && Self.hexadecimal(text.dropFirst(2).prefix(4))
    guard text == "Z" || isError else { return unexpected(text, into: &outputs) }
    unansweredCommands = max(unansweredCommands &- 1, 0)
    guard stage == .aborting || stage == .draining else {
      if isError { heardError() } else { answerCame() }
      return
    }
    guard isError else { return wait(.draining, Deadline.drain) }
    misses = 0
    guard case .ending = purpose, progress.finalReason != nil, openingDoubt == nil else {
      return waitQuietly(.cellOff)
    }
    // The script had ended by itself; the error makes the instrument deaf for what comes next.
    errorHeardAt = now
    cellIsDisconnected(into: &outputs)
  }

  /// `e`: the script was taken and runs. `e!4001: Line 1, Col 8`: it was not.
  private mutating func handleScriptAnswer(_ text: String, into outputs: inout DriverOutputs) {
    if text == "e" || (text.utf8.count == 6 && text.hasPrefix("eM") && Self.hexadecimal(text.dropFirst(2))) {
      switch stage {
      case .uploading, .aborting, .draining:
        noteBegan(into: &outputs)
      case .cellOffSent:
        wait(.cellOffRunning, Deadline.answer)
      case .proofSent:
        wait(.proofRunning, Deadline.answer)
      case .portClosed, .cellOffRunning, .proofRunning, .askingFirmware, .askingSerial, .askingScriptVersion,
        .askingFeatures,
        .undrivable, .idle,
        .running, .quiet, .catchingUp, .askingWhetherIdle:
        break
      }
    } else if text.hasPrefix("e!"), text.utf8.count >= 6, Self.hexadecimal(text.dropFirst(2).prefix(4)) {
      handleScriptRefusal(text, into: &outputs)
    } else {
      unexpected(text, into: &outputs)
    }
  }

  private mutating func handleScriptRefusal(_ text: String, into outputs: inout DriverOutputs) {
    let number = text.dropFirst(2).prefix(4)
    let detail = "the instrument refused the script: \(InstrumentErrors.describe(number))\(text.dropFirst(6))"
    switch stage {
    case .uploading:
      purpose = .ending(.failed(Fault(.instrumentRefused, detail)))
      if number == InstrumentErrors.wrongMode { return waitQuietly(.abort) }
      // Nothing ran, so the cell is as disconnected as it was.
      rest(.idle)
      cellIsDisconnected(into: &outputs)
      waitQuietly(.idle)
    case .cellOffSent:
      misses += 1
      noteRefusedDisconnection(detail, into: &outputs)
      waitQuietly(number == InstrumentErrors.wrongMode || misses >= Deadline.misses ? .abort : .cellOff)
    case .proofSent:
      doubt(OpeningDoubt("its current is not measured: \(detail)"), into: &outputs)
    case .portClosed, .aborting, .draining, .cellOffRunning, .proofRunning, .askingFirmware, .askingSerial,
      .askingScriptVersion,
      .askingFeatures,
      .undrivable, .idle, .running, .quiet, .catchingUp, .askingWhetherIdle:
      break
    }
  }

  /// Says once that the instrument does not disconnect the cell; the driver goes on trying.
  private mutating func noteRefusedDisconnection(_ detail: String, into outputs: inout DriverOutputs) {
    guard misses >= Deadline.misses, !timeoutWasSaid else { return }
    timeoutWasSaid = true
    outputs.events.append(
      .fault(channel: 0, Fault(.instrumentError, "the cell cannot be disconnected, trying on: \(detail)")))
  }

  /// Answers to questions, and the lines that a running script sends and that tell us nothing.
  private mutating func handleAnswer(_ text: String, into outputs: inout DriverOutputs) {
    switch stage {
    case .askingFirmware:
      if text.hasPrefix("t"), !text.hasPrefix("t!") { firmware = String(text.dropFirst()) }
      if text.hasSuffix("*"), !firmware.isEmpty {
        misses = 0
        ask("i", .askingSerial, into: &outputs)
      }
    case .askingSerial:
      guard text.hasPrefix("i"), text.utf8.count > 1 else { return }
      if text.hasPrefix("i!") {
        return turnDown("the instrument does not tell its serial number: \(text.dropFirst())", into: &outputs)
      }
      misses = 0
      serial = String(text.dropFirst())
      ask("v", .askingScriptVersion, into: &outputs)
    case .askingScriptVersion:
      guard text.hasPrefix("v") else { return }
      let version = text.dropFirst()
      misses = 0
      scriptVersion = version.hasPrefix("!") ? "" : String(version)
      ask("CM", .askingFeatures, into: &outputs)
    case .askingFeatures:
      guard text.hasPrefix("C") else { return }
      identify(features: FeatureMask(text.dropFirst(2)), isDeaf: text.hasPrefix("C!"), into: &outputs)
    case .askingWhetherIdle where text == "i" + serial: caughtUp(into: &outputs)
    case .askingWhetherIdle where text.hasPrefix("i!"): waitQuietly(.question)
    case .portClosed, .aborting, .draining, .cellOffSent, .cellOffRunning, .proofSent, .proofRunning, .undrivable,
      .idle,
      .uploading, .running,
      .quiet, .catchingUp, .askingWhetherIdle:
      // * ends a measuring loop, L and + frame a plain one, Y answers a renewal, which may come too late for its loop.
      if text == "*" || text == "L" || text == "+" || text.hasPrefix("Y") { return }
      // A question that was asked twice.
      if isIdentified, text == "i" + serial { return }
      unexpected(text, into: &outputs)
    }
  }

  // MARK: Garbage

  private mutating func unexpected(_ text: String, into outputs: inout DriverOutputs) {
    noteGarbage("\"\(text.prefix(40))\"", into: &outputs)
  }

  /// Counts a line that cannot be what it should be, and says so at most once a second.
  mutating func noteGarbage(_ what: @autoclosure () -> String, into outputs: inout DriverOutputs) {
    damagedMessages += 1
    guard isIdentified else { return }
    if let lastGarbageFault, now.microseconds - lastGarbageFault.microseconds < 1_000_000 { return }
    lastGarbageFault = now
    outputs.events.append(
      .fault(channel: nil, Fault(.linkGarbage, "unusable line, number \(damagedMessages) since opening: \(what())")))
  }

  private static func printable(_ line: UnsafeRawBufferPointer) -> String? {
    for byte in line where byte < 0x20 || byte > 0x7E { return nil }
    return String(decoding: line, as: UTF8.self)
  }

  private static func hexadecimal(_ text: some StringProtocol) -> Bool {
    text.utf8.count == 4
      && text.utf8.allSatisfy { byte in
        byte &- 0x30 <= 9 || byte &- 0x41 <= 5 || byte &- 0x61 <= 5
      }
  }
}
