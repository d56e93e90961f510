// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Who knows the truth: what is at the cell's terminals at every turn, whatever the line does. What the driver says is held
// against it, and what the cell suffers against what it was asked to and what the family states of its reaction.

internal import CyclerModel
internal import InstrumentKit
internal import Quantities
internal import VirtualLab

/// Compares what is said with what is, and keeps what does not fit.
public struct TrialJudge: Sendable {
  /// What was wrong, each with its moment; the first few of each trial.
  public private(set) var violations: [String] = []

  /// Bytes that a driver may write at once. The longest script is 4 kB.
  static let largestWrite = 16_384
  /// Events that a trial of minutes may have.
  static let mostEvents = 20_000

  private struct Moment: Sendable {
    var time: Double
    var volts: Double
    var amperes: Double
  }

  private let family: DriverFamily
  private var trace: [Moment] = []
  private var first = 0
  private var events = 0
  /// The line may delay a reading by so much.
  var lineDelay = 0.0
  /// Readings are not compared: the instrument does not tell what is.
  var isBlind = false
  /// Nobody can see where the cell is: the instrument repeats what was, or drives on whatever it is told.
  var isUnprotected = false
  /// It does not do what it is told.
  var isDeaf = false
  /// Said to be open, and nothing was asked for since.
  private var isSaidOpen = false
  private var spokeAt = 0.0
  private var overSince: Double?
  private var strayedSince: Double?
  private var askedAt: Double?
  private var lastLook = 0.0
  /// What was asked for last, until it was said to be open.
  private var setpoint: Setpoint?
  /// What the instrument is taken for.
  var capabilities: InstrumentCapabilities?

  init(_ family: DriverFamily) { self.family = family }

  /// The least current that is one: what a source of no current lets through in its range.
  private var floor: Double { family.amperes * 0.02 }

  mutating func fail(_ words: String, at time: Double) {
    guard violations.count < 5 else { return }
    violations.append("\(hundredths(time)) s: \(words)")
  }

  // MARK: - What the host does

  mutating func hostSpoke(at time: Double) { spokeAt = time }
  mutating func circuitWasAskedToOpen(at time: Double) { askedAt = askedAt ?? time }
  mutating func begin(_ setpoint: Setpoint, at time: Double) {
    isSaidOpen = false
    askedAt = nil
    self.setpoint = setpoint
  }
  /// The instrument woke up anew: nothing is known of its circuit.
  mutating func rebooted() { isSaidOpen = false }
  mutating func countWrite(_ bytes: Int) {
    if bytes > Self.largestWrite { fail("\(bytes) bytes were written at once", at: lastLook) }
  }

  // MARK: - What the driver says

  mutating func note(_ event: DriverEvent, _ terminals: TerminalState?, at time: Double) {
    events += 1
    if events == Self.mostEvents { fail("\(events) events", at: time) }
    if let terminals { remember(terminals, at: time) }
    switch event {
    case .reading(0, let reading): compare(reading, at: time)
    case .temperature(let temperature): compare(temperature, at: time)
    case .ended(0, _, _), .circuit(0, .openConfirmed):
      if let terminals, terminals.amperes.magnitude > floor {
        fail(
          "it says \(event == .circuit(channel: 0, .openConfirmed) ? "open" : "ended") while \(terminals.amperes) A flow",
          at: time)
      }
      isSaidOpen = true
      askedAt = nil
      setpoint = nil
    case .identified(let identity): capabilities = identity.capabilities
    case .circuit(0, .closed), .circuit(0, .unknown), .circuitClosed(0, _): isSaidOpen = false
    default: break
    }
  }

  /// A reading must lie between what was at the terminals within the time that it may be old, to its resolution.
  private mutating func compare(_ reading: Reading, at time: Double) {
    guard !isBlind, !reading.quality.contains(.overload) else { return }
    let since = time - family.latency - lineDelay
    var (least, most) = (
      Moment(time: 0, volts: .infinity, amperes: .infinity), Moment(time: 0, volts: -.infinity, amperes: -.infinity)
    )
    var index = trace.count
    while index > first {
      index -= 1
      let moment = peak(before: trace[index], at: index)
      least.volts = min(least.volts, moment.volts)
      least.amperes = min(least.amperes, moment.amperes)
      most.volts = max(most.volts, moment.volts)
      most.amperes = max(most.amperes, moment.amperes)
      // The turn before the window too: what was between two looks.
      if moment.time < since { break }
    }
    // Between two looks a ramp moves so much.
    let ramp = DriverFamily.ramp / 60
    if let volts = reading.voltage?.volts,
      volts < least.volts - family.voltageResolution - ramp || volts > most.volts + family.voltageResolution + ramp
    {
      fail("a reading of \(volts) V, where \(least.volts) to \(most.volts) V were", at: time)
    }
    let slack = family.currentResolution
    if let amperes = reading.current?.amperes,
      amperes < least.amperes - slack || amperes > most.amperes + slack,
      // At rest it is exactly zero by definition.
      amperes != 0 || least.amperes > floor || most.amperes < -floor
    {
      fail("a reading of \(amperes) A, where \(least.amperes) to \(most.amperes) A were", at: time)
    }
  }

  /// A circuit that was closed since the look before drove more than this look sees, if its current falls.
  private func peak(before moment: Moment, at index: Int) -> Moment {
    guard index > first, trace[index - 1].amperes.magnitude < floor, moment.amperes.magnitude > floor else {
      return moment
    }
    var peak = moment
    peak.amperes *= family.fall(in: moment.time - trace[index - 1].time)
    return peak
  }

  private mutating func compare(_ temperature: Temperature, at time: Double) {
    let degrees = temperature.degreesCelsius
    if (degrees - family.volts).magnitude > family.voltageResolution {
      fail("\(degrees) degrees, where it is at \(family.volts)", at: time)
    }
  }

  // MARK: - What is

  private mutating func remember(_ terminals: TerminalState, at time: Double) {
    trace.append(Moment(time: time, volts: terminals.volts, amperes: terminals.amperes))
    let since = time - family.latency - lineDelay - 1
    while first < trace.count - 2, trace[first + 1].time < since { first += 1 }
    if first > 512, first * 2 > trace.count {
      trace.removeFirst(first)
      first = 0
    }
  }

  /// One turn has passed.
  mutating func look(_ terminals: TerminalState?, at time: Double, isLineSound: Bool) {
    defer { lastLook = time }
    guard let terminals else { return }
    remember(terminals, at: time)
    let flows = terminals.amperes.magnitude > floor
    // A command that comes late can close a circuit that was open when it was said to be; that has to be seen and ended.
    strayedSince = isSaidOpen && flows ? strayedSince ?? time : nil
    if let since = strayedSince, time - since > family.reaction {
      fail("\(terminals.amperes) A have flowed for \(hundredths(time - since)) s, and it was said to be open", at: time)
      isSaidOpen = false
    }
    guard flows, let capabilities else {
      overSince = nil
      if !flows { askedAt = nil }
      return
    }
    if !isUnprotected { judgeBounds(terminals, capabilities, at: time, isLineSound) }
    guard !isDeaf else { return }
    judgeLease(capabilities, at: time)
    if let asked = askedAt, isLineSound, time - asked > family.reaction {
      fail("\(terminals.amperes) A flow \(hundredths(time - asked)) s after it was told to stop", at: time)
      askedAt = nil
    }
    if !isLineSound, askedAt != nil { askedAt = time }
  }

  private mutating func judgeLease(_ capabilities: InstrumentCapabilities, at time: Double) {
    guard capabilities.hasLease, time - spokeAt > family.lease + family.reaction else { return }
    fail(
      "current flows \(hundredths(time - spokeAt)) s after the host's last word, with a lease of \(family.lease) s",
      at: time)
    spokeAt = time
  }

  /// Beyond a bound, with the direction of the current, for longer than the family's reaction. Where neither the instrument nor
  /// a lease holds bounds, the time counts in which the host could have seen it.
  private mutating func judgeBounds(
    _ terminals: TerminalState, _ capabilities: InstrumentCapabilities, at time: Double, _ isLineSound: Bool
  ) {
    guard let bounds = setpoint?.bounds else {
      overSince = nil
      return
    }
    let isOver =
      (terminals.amperes > 0 && terminals.volts > bounds.upperVoltage.volts + family.voltageResolution)
      || (terminals.amperes < 0 && terminals.volts < bounds.lowerVoltage.volts - family.voltageResolution)
      || terminals.amperes.magnitude > bounds.currentMagnitude.amperes + family.currentResolution
    guard isOver else {
      overSince = nil
      return
    }
    if !capabilities.holdsBounds, !isLineSound, let since = overSince { overSince = since + (time - lastLook) }
    let since = overSince ?? time
    overSince = since
    if time - since > family.reaction {
      fail(
        "\(terminals.volts) V and \(terminals.amperes) A, beyond a bound for \(hundredths(time - since)) s", at: time)
      overSince = time
    }
  }

  private func hundredths(_ value: Double) -> String {
    let count = Int((value * 100).rounded())
    return "\(count / 100).\(count % 100 / 10)\(count % 10)"
  }
}
