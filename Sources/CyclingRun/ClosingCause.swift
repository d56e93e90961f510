// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Why a circuit is opened: what weighs more than what, what the rows say of it, and how a checkpoint keeps it.

internal import CyclerModel
internal import Quantities

extension RunPilot.StepEnding {
  /// The end reason of the row and of what the step closes.
  var text: String {
    switch self {
    case .condition(let text): text
    case .skip(let actor): "skipped by \(actor)"
    }
  }

  /// The condition of the step that ended it; nil when a person did. Who skips a part of a profile skips the whole.
  func condition(of step: ProgramStep?) -> EndCondition? {
    switch self {
    case .condition(let text): step?.ends.first { $0.text == text }
    case .skip: step?.ends.first { $0.text == EndCondition.cutOff }
    }
  }
}

extension RunPilot.ClosingCause {
  /// What the cause says of the step itself.
  var stepEnding: RunPilot.StepEnding? {
    switch self {
    case .condition(let text): .condition(text)
    case .skip(let actor): .skip(actor: actor)
    case .pause, .stop, .suspend, .fault: nil
    }
  }

  /// Whether something is wrong, as against wished.
  var isFault: Bool {
    switch self {
    case .fault: true
    case .condition, .pause, .stop, .skip, .suspend: false
    }
  }

  /// Whether the run is to go on, at once or later, without anybody having looked at the cell.
  var letsRunGoOn: Bool {
    switch self {
    case .condition, .skip, .pause, .suspend: true
    case .stop, .fault: false
    }
  }

  /// The row's end reason, where nothing ended the step.
  var text: String {
    switch self {
    case .condition(let text): text
    case .pause(let actor): "paused by \(actor)"
    case .stop(let actor): "stopped by \(actor)"
    case .skip(let actor): "skipped by \(actor)"
    case .suspend: "suspended"
    case .fault(let fault, _): fault.code.rawValue
    }
  }

  /// A fault is never replaced by a wish; a stop replaces any other wish. A pause outlives the daemon: whoever paused
  /// does not expect the run to go on after a restart.
  func outranks(_ other: RunPilot.ClosingCause) -> Bool { rank > other.rank }

  private var rank: Int {
    switch self {
    case .condition: 0
    case .skip: 1
    case .suspend: 2
    case .pause: 3
    case .stop: 4
    case .fault: 5
    }
  }
}

extension RunPilot.ClosingCause {
  /// A step's end as the cause that it may be of an opening.
  init(_ ending: RunPilot.StepEnding) {
    switch ending {
    case .condition(let text): self = .condition(text)
    case .skip(let actor): self = .skip(actor: actor)
    }
  }

  /// What another daemon must know of an opening that this one had asked for: the end of a step is remembered as such,
  /// and a daemon that was to stop has stopped.
  var remembered: Self? {
    switch self {
    case .condition, .skip, .suspend: nil
    case .pause, .stop, .fault: self
    }
  }

  func encode(into writer: inout ByteWriter) {
    let (code, text, detail): (UInt8, String, String) =
      switch self {
      case .condition(let text): (0, text, "")
      case .pause(let actor): (1, actor, "")
      case .stop(let actor): (2, actor, "")
      case .skip(let actor): (3, actor, "")
      case .suspend: (4, "", "")
      case .fault(let fault, let latches): (latches ? 6 : 5, fault.code.rawValue, fault.detail)
      }
    writer.write(code)
    writer.write(text)
    writer.write(detail)
  }

  init(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    let code: UInt8 = try reader.read()
    let text = try reader.readString()
    let detail = try reader.readString()
    switch code {
    case 0: self = .condition(text)
    case 1: self = .pause(actor: text)
    case 2: self = .stop(actor: text)
    case 3: self = .skip(actor: text)
    case 4: self = .suspend
    case 5, 6:
      guard let fault = FaultCode(rawValue: text) else { throw reader.malformed }
      self = .fault(Fault(fault, detail), latches: code == 6)
    default: throw reader.malformed
    }
  }
}
