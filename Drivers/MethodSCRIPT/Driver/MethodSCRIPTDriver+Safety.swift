// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Making the instrument safe: abort what runs, wait for its end, and where its last message did not come, run a script
// that disconnects. All ends of set-points, the opening of the port and a wish for an open circuit come through here.

import CyclerModel
import InstrumentKit
import Quantities

extension MethodSCRIPTDriver {
  /// The script that does nothing but disconnect the cell.
  static let cellOffScript = "e\ncell_off\n\n"

  /// Aborts what runs. In front of the first attempt at an unknown instrument an empty line ends half a command.
  mutating func startAbort(_ purpose: Purpose, into outputs: inout DriverOutputs) {
    self.purpose = purpose
    if stage == .running || stage == .uploading {
      unansweredCommands &+= 1
      outputs.writes.append(contentsOf: "Z\n".utf8)
      wait(.aborting, Deadline.answer)
    } else {
      retryAbort(into: &outputs)
    }
  }

  /// Aborts again, whatever half a command may have arrived before.
  mutating func retryAbort(into outputs: inout DriverOutputs) {
    unansweredCommands &+= 1
    outputs.writes.append(contentsOf: "\nZ\n".utf8)
    wait(.aborting, Deadline.answer)
  }

  /// Lets no script be sent before the answers to everything that was written have come. The circuit is known to be open
  /// already; it is confirmed once more at the end.
  private mutating func catchUp() {
    purpose = .confirming
    wait(.catchingUp, Deadline.answer)
  }

  /// An answer to a renewal or an abort came while catching up. Which of them was lost and which is late cannot be told
  /// by counting, so a question follows, whose answer nothing else can be mistaken for.
  mutating func answerCame() {
    if stage == .catchingUp, unansweredCommands == 0 { waitQuietly(.question) }
  }

  /// The question was answered: nothing that was written before is on its way any more.
  mutating func caughtUp(into outputs: inout DriverOutputs) {
    unansweredCommands = 0
    cellIsDisconnected(into: &outputs)
  }

  /// Disconnects the cell at once.
  mutating func startCellOff(_ purpose: Purpose, into outputs: inout DriverOutputs) {
    self.purpose = purpose
    proof = nil
    outputs.writes.append(contentsOf: Self.cellOffScript.utf8)
    wait(.cellOffSent, Deadline.cellOff)
  }

  /// The aborted script is over; its own last messages disconnect and confirm in one.
  mutating func scriptIsOver(into outputs: inout DriverOutputs) {
    if case .ending = purpose, progress.finalReason != nil {
      guard let doubt = openingDoubt else { return cellIsDisconnected(into: &outputs) }
      noteDoubt(doubt, into: &outputs)
    }
    startCellOff(purpose, into: &outputs)
  }

  /// The cell is disconnected: the instrument says so, and measures no current.
  mutating func cellIsDisconnected(into outputs: inout DriverOutputs) {
    switch purpose {
    case .opening:
      announce(into: &outputs)
    case .confirming:
      rest(isIdentified ? .idle : .undrivable)
      // Of one that is not known here it cannot be judged what it measures.
      outputs.events.append(.circuit(channel: 0, isIdentified ? .openConfirmed : .unknown))
      if unansweredCommands > 0 { return catchUp() }
      beginWaiting(into: &outputs)
    case .ending(let end):
      rest(.idle)
      if let errorHeardAt, now.microseconds - errorHeardAt.microseconds < Deadline.quiet { waitQuietly(.idle) }
      errorHeardAt = nil
      outputs.events.append(.circuit(channel: 0, .openConfirmed))
      finishSetpoint(end, into: &outputs)
      if unansweredCommands > 0 { catchUp() }
    }
  }

  private mutating func finishSetpoint(_ end: SetpointEnd, into outputs: inout DriverOutputs) {
    guard let setpoint else { return }
    let reason = progress.finalReason
    let hasBegun = progress.hasBegun
    self.setpoint = nil
    script = ""
    progress = Progress()
    let failed = failure.map { SetpointEnd.failed($0) }
    failure = nil
    if hasBegun || end == .requested {
      let told = failed ?? reason.flatMap { Self.end(reason: $0, of: setpoint) }
      outputs.events.append(.ended(channel: 0, setpoint.token, told ?? end))
    } else {
      outputs.events.append(.refused(channel: 0, setpoint.token, Self.fault(of: end)))
    }
  }

  private static func fault(of end: SetpointEnd) -> Fault {
    switch end {
    case .failed(let fault), .bound(let fault): fault
    case .cutOff, .leaseExpired, .requested:
      Fault(.instrumentRefused, "the instrument never said that it took the script")
    }
  }

  /// What the script's reason means for its set-point; nil when it gave none of its own.
  private static func end(reason: Int64, of setpoint: Setpoint) -> SetpointEnd? {
    let bounds = setpoint.bounds
    switch reason {
    case Reason.none, Reason.holding:
      return nil
    case Reason.leaseExpired:
      return .leaseExpired
    case Reason.upperVoltage:
      return bound("above \(volts(bounds.upperVoltage)) while charging")
    case Reason.lowerVoltage:
      return bound("below \(volts(bounds.lowerVoltage)) while discharging")
    case Reason.current:
      let limit = Literal.decimal(bounds.currentMagnitude.picoamperes, unitExponent: -12)
      return bound("a current of more than \(limit) A")
    case Reason.duration:
      return bound("longer than \(Literal.decimal(bounds.duration.microseconds, unitExponent: -6)) s")
    default:
      let index = reason - Reason.firstCutOff
      guard index >= 0, index < Int64(setpoint.cutOffs.count) else {
        return .failed(Fault(.linkGarbage, "the script gave a reason that it does not have: \(reason)"))
      }
      return .cutOff(Int(index))
    }
  }

  /// What the reason of a script means whose set-point is not known here any more; nil when it is none of ours.
  static func end(ofOrphan reason: Int64) -> SetpointEnd? {
    switch reason {
    case Reason.none, Reason.holding: return .requested
    case Reason.leaseExpired: return .leaseExpired
    case Reason.upperVoltage: return bound("above the upper voltage while charging")
    case Reason.lowerVoltage: return bound("below the lower voltage while discharging")
    case Reason.current: return bound("more current than allowed")
    case Reason.duration: return bound("longer than allowed")
    default: return reason >= Reason.firstCutOff ? .cutOff(Int(reason - Reason.firstCutOff)) : nil
    }
  }

  private static func bound(_ words: String) -> SetpointEnd {
    .bound(Fault(.instrumentBoundReached, "the instrument opened the circuit by itself: \(words)"))
  }

  private static func volts(_ voltage: Voltage) -> String {
    Literal.decimal(voltage.nanovolts, unitExponent: -9) + " V"
  }

  // MARK: Who it is

  /// Sends a question of one letter.
  mutating func ask(_ letter: String, _ stage: Stage, into outputs: inout DriverOutputs) {
    outputs.writes.append(contentsOf: letter.utf8)
    outputs.writes.append(0x0A)
    wait(stage, Deadline.answer)
  }

  /// The first of the questions.
  mutating func askWhoItIs(into outputs: inout DriverOutputs) {
    misses = 0
    firmware = ""
    ask("t", .askingFirmware, into: &outputs)
  }

  /// All answers are there. Whether the cell is disconnected is to be shown before anybody is told of them.
  mutating func identify(features: FeatureMask?, isDeaf: Bool, into outputs: inout DriverOutputs) {
    // "es4_hr1500#Mar 12 2026": six characters of model, four digits of version.
    let build = firmware.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
    let id = build.prefix(6)
    let digits = build.dropFirst(6).prefix(4)
    guard let model = MethodSCRIPTModel.allCases.first(where: { $0.firmwareID == id }) else {
      return turnDown("an instrument with firmware \(firmware) is none that is driven here", into: &outputs)
    }
    guard let version = Int(digits), digits.count == 4, version >= model.minimumFirmware else {
      return turnDown(
        "\(model.name) with firmware \(digits); \(model.minimumFirmware) is the oldest that is driven", into: &outputs)
    }
    let capabilities = model.capabilities(with: features)
    self.model = model
    self.capabilities = capabilities
    // Who has answered three questions has answered everything before them.
    unansweredCommands = 0
    // An error makes the instrument deaf for a while.
    if isDeaf { waitQuietly(.proof) } else { startProof(into: &outputs) }
  }

  /// Says who it is, and that its circuit is open.
  private mutating func announce(into outputs: inout DriverOutputs) {
    guard let model, let capabilities else { return }
    isIdentified = true
    rest(.idle)
    let digits = firmware.dropFirst(6).prefix(4)
    let language = scriptVersion.isEmpty ? "" : " (MethodSCRIPT \(scriptVersion))"
    outputs.events.append(
      .identified(
        InstrumentIdentity(
          family: Self.descriptor.family, model: model.name, serial: serial,
          firmware: "\(digits.prefix(1)).\(digits.dropFirst())\(language)", capabilities: capabilities)))
    outputs.events.append(.circuit(channel: 0, .openConfirmed))
    if let orphan {
      outputs.events.append(
        .orphanEnded(
          channel: 0, orphan.token, lastReading: orphan.lastReading, circuitOpenedAt: orphan.openedAt, end: orphan.end))
    }
    orphan = nil
  }

  /// Leaves an instrument alone, safe as it is.
  mutating func turnDown(_ detail: String, into outputs: inout DriverOutputs) {
    rest(.undrivable)
    outputs.events.append(.fault(channel: nil, Fault(.linkIdentity, detail)))
  }
}
