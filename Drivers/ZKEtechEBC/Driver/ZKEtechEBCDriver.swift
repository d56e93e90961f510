// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The host's side of a ZKEtech battery tester. The instrument answers nothing: it carries out a command or does not, and
// reports every two seconds what it is doing. So a command is taken for carried out when a report says so, and sent again
// when one says otherwise. What is unverified is marked in Drivers/ZKEtechEBC/README.md.
//
// It charges with a constant current and a hold and discharges with a constant current or power, up to cut-offs of its
// own. The host judges each report as well. There is no watchdog: an instrument whose host is gone goes on to its own end.

public import CyclerModel
public import InstrumentKit
import Quantities

/// A ZKEtech EBC-A05+, EBC-A10H or EBC-A20; its protocol is in Drivers/ZKEtechEBC/README.md. Tried on no instrument yet.
public struct ZKEtechEBCDriver: InstrumentDriver {
  /// What is going on.
  enum Phase: Sendable, Hashable {
    case closed
    /// Its stop is not confirmed yet.
    case stopping
    /// Confirmed to be open, nothing under way.
    case idle
    /// A command was sent or will be, and no report shows its effect yet.
    case starting
    /// A set-point or a rest.
    case running
  }

  /// The instrument reports so often.
  static let reportInterval = TimeSpan(seconds: 2)
  /// Without a report for so long nobody is there: three in a row did not come.
  static let silence = TimeSpan(seconds: 7)
  /// So often reports are asked for where none come. Asking costs two of them.
  static let askInterval = TimeSpan(seconds: 3)
  /// Commands that come faster may be overlooked.
  static let commandGap = TimeSpan(milliseconds: 200)
  /// A report that arrives earlier after a command may have been written before it was carried out.
  static let freshAfter = TimeSpan(milliseconds: 500)
  /// So often is something started; a stop is sent without end, and told after so many.
  static let attempts = 3
  /// A current that is smaller than this is taken for the converter's offset when the instrument says that it is stopped.
  static let noCurrent = Current(picoamperes: 50_000_000_000)

  var phase = Phase.closed
  var model: EBCModel?
  /// Whether its identity was told.
  var isIdentified = false
  var isUndrivable = false
  var scanner = ReportScanner()
  var lastReport: Report?
  var course: EBCCourse?
  /// Why the set-point ends; said when it is confirmed that no current flows.
  var end: SetpointEnd?
  var outbox = Outbox()
  /// When the last report came, or the port was opened.
  var heardAt = HostInstant(microseconds: 0)
  var hasToldSilence = false
  var hasToldStuck = false

  /// Frames that were damaged since the port was opened.
  public var damagedMessages: Int { scanner.damaged }

  /// A driver that has seen nothing yet.
  public init() {}

  /// Takes one input; see `InstrumentDriver`.
  public mutating func handle(_ input: DriverInput, at now: HostInstant, into outputs: inout DriverOutputs) {
    switch input {
    case .opened:
      self = ZKEtechEBCDriver()
      heardAt = now
      outbox.connectWanted(now)
      beginStop(nil)
    case .bytes(let bytes): if phase != .closed { receive(bytes, now, &outputs) }
    case .tick: if phase != .closed { wait(now, &outputs) }
    case .command(let channel, let command): obey(command, channel: channel, now, &outputs)
    case .lost:
      let wasIdentified = isIdentified
      self = ZKEtechEBCDriver()
      if wasIdentified { outputs.events.append(.circuit(channel: 0, .unknown)) }
    }
    guard phase != .closed else { return }
    send(now, &outputs)
    outputs.wakeAt = wakeAt(now)
  }

  private mutating func receive(_ bytes: UnsafeRawBufferPointer, _ now: HostInstant, _ outputs: inout DriverOutputs) {
    for byte in bytes {
      guard let report = scanner.take(byte) else { continue }
      take(report, now, &outputs)
    }
  }

  // MARK: - Sending

  private mutating func send(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    guard let command = outbox.next(now, start: course?.plan.command) else { return }
    command.write(into: &outputs.writes)
    // From here on a current may flow.
    if command == course?.plan.command { outputs.events.append(.circuit(channel: 0, .closed)) }
  }

  private func wakeAt(_ now: HostInstant) -> HostInstant? {
    var next = askAt
    if let due = outbox.dueAt { next = min(next, max(due, now)) }
    if !hasToldSilence { next = min(next, heardAt + Self.silence) }
    if phase == .running, let course, let began = course.beganAt { next = min(next, began + course.nextEnd) }
    return next
  }

  /// When reports are asked for next.
  private var askAt: HostInstant {
    let isHeard = model != nil && !hasToldSilence
    return max(outbox.connectSentAt, heardAt) + (isHeard ? Self.silence : Self.askInterval)
  }

  // MARK: - Time

  private mutating func wait(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    if phase == .running, let course, case .end(let end) = course.judge(at: now) { finish(end, now, &outputs) }
    if !hasToldSilence, now >= heardAt + Self.silence { loseContact(now, &outputs) }
    if now >= askAt {
      outbox.connectWanted(now)
      if phase == .stopping { outbox.wantsStop = true }
    }
  }

  /// Nobody reports: whatever is under way ends with the first report that says so.
  private mutating func loseContact(_ now: HostInstant, _ outputs: inout DriverOutputs) {
    hasToldSilence = true
    let fault = Fault(.linkTimeout, "no report came for \(Self.silence.written); it may go on as it was told")
    outputs.events.append(.fault(channel: nil, fault))
    if isIdentified { outputs.events.append(.circuit(channel: 0, .unknown)) }
    if course?.isRest == false { course?.markIsLost = true }
    outbox.connectWanted(now)
    beginStop(.failed(fault))
  }
}
