// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Commands as text, exact to the last count: fields in a fixed order, each in the smallest unit of its quantity, which its name
// says. What no host sends (a table without rows, an end that is not in the list) is refused, so that a driver that is fed from
// a file meets nothing that it could not meet at the daemon.

internal import CyclerModel
internal import Quantities

extension ChannelCommand {
  /// Numbers of a command stay within what an instrument could be asked for, far from where sums of them overflow: 1000 V and A,
  /// and 30 years.
  fileprivate static let volts: ClosedRange<Int64> = -1_000_000_000_000...1_000_000_000_000
  fileprivate static let amperes: ClosedRange<Int64> = -1_000_000_000_000_000...1_000_000_000_000_000
  fileprivate static let magnitude: ClosedRange<Int64> = 0...1_000_000_000_000_000
  fileprivate static let some: ClosedRange<Int64> = 1...1_000_000_000_000_000

  /// As text.
  var transcriptText: String {
    switch self {
    case .begin(let setpoint): "begin \(setpoint.transcriptText)"
    case .openCircuit: "open_circuit"
    }
  }

  /// Reads what `transcriptText` wrote.
  init(transcriptWords words: ArraySlice<Substring>) throws(TranscriptMistake) {
    switch words.first {
    case "begin":
      var fields = TranscriptFields(words.dropFirst())
      self = .begin(try Setpoint(from: &fields))
      try fields.end()
    case "open_circuit" where words.count == 1: self = .openCircuit
    default: throw TranscriptMistake("a command is `begin …` or `open_circuit`, not `\(words.joined(separator: " "))`")
    }
  }
}

// MARK: - Set-points

extension Setpoint {
  fileprivate var transcriptText: String {
    var fields = ["run=\(token.run)", "step=\(token.stepCount)", mode.transcriptText]
    fields += cutOffs.map(\.transcriptText)
    fields += [
      "lower_nV=\(bounds.lowerVoltage.count)", "upper_nV=\(bounds.upperVoltage.count)",
      "most_pA=\(bounds.currentMagnitude.count)", "longest_us=\(bounds.duration.count)",
      "interval_us=\(readingInterval.count)", "range_pA=\(rangeCurrent.count)", "lease_us=\(lease.count)",
      "settle_us=\(settle.count)",
    ]
    return fields.joined(separator: " ")
  }

  fileprivate init(from fields: inout TranscriptFields) throws(TranscriptMistake) {
    let token = SetpointToken(
      run: try fields.integer("run", in: 1...Int64.max), stepCount: try fields.integer("step", in: 1...Int32.max))
    let mode = try Mode(from: &fields)
    var cutOffs: [CutOff] = []
    while fields.isNext("cut_off") { cutOffs.append(try CutOff(transcriptWord: try fields.word("cut_off"))) }
    if let ownEnd = mode.ownEnd, !cutOffs.indices.contains(ownEnd) {
      throw TranscriptMistake("own_end=\(ownEnd) is none of the \(cutOffs.count) cut-offs, which are counted from 0")
    }
    let bounds = Bounds(
      lowerVoltage: try fields.quantity("lower_nV", in: ChannelCommand.volts),
      upperVoltage: try fields.quantity("upper_nV", in: ChannelCommand.volts),
      currentMagnitude: try fields.quantity("most_pA", in: ChannelCommand.magnitude),
      duration: try fields.quantity("longest_us", in: ChannelCommand.magnitude))
    self.init(
      token: token, mode: mode, cutOffs: cutOffs, bounds: bounds,
      readingInterval: try fields.quantity("interval_us", in: ChannelCommand.some),
      rangeCurrent: try fields.quantity("range_pA", in: ChannelCommand.magnitude),
      lease: try fields.quantity("lease_us", in: ChannelCommand.magnitude),
      settle: try fields.quantity("settle_us", in: ChannelCommand.magnitude))
  }
}

extension CutOff {
  private static let quantities: [(name: String, quantity: Quantity)] = [
    ("voltage_nV", .voltage), ("current_pA", .currentMagnitude), ("time_us", .time), ("hold_us", .holdTime),
  ]

  fileprivate var transcriptText: String {
    let name = Self.quantities.first { $0.quantity == quantity }?.name ?? "unknown"
    return "cut_off=\(name):\(comparison.rawValue):\(threshold)\(onlyInHold ? ":hold" : "")"
  }

  fileprivate init(transcriptWord word: Substring) throws(TranscriptMistake) {
    let parts = word.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 3 || (parts.count == 4 && parts[3] == "hold"),
      let quantity = Self.quantities.first(where: { $0.name == parts[0] })?.quantity,
      let comparison = Comparison(rawValue: String(parts[1]))
    else {
      let known = Self.quantities.map(\.name).joined(separator: ", ")
      throw TranscriptMistake("cut_off= takes QUANTITY:COMPARISON:NUMBER and perhaps :hold, of \(known), not `\(word)`")
    }
    self.init(
      quantity: quantity, comparison: comparison,
      threshold: try TranscriptFields.integer(parts[2], "cut_off", in: ChannelCommand.amperes),
      onlyInHold: parts.count == 4)
  }
}

// MARK: - Modes

extension Setpoint.Mode {
  /// The cut-off that is the end of the mode itself.
  fileprivate var ownEnd: Int? {
    switch self {
    case .sweep(let sweep): sweep.ownEnd
    case .profile(_, let ownEnd): ownEnd
    case .impedance(let impedance): impedance.ownEnd
    case .openCircuit, .constantCurrent, .constantCurrentThenVoltage, .constantVoltage, .demand: nil
    }
  }

  fileprivate var transcriptText: String {
    switch self {
    case .openCircuit: "mode=open"
    case .constantCurrent(let current): "mode=current current_pA=\(current.count)"
    case .constantCurrentThenVoltage(let current, let voltage):
      "mode=current_then_voltage current_pA=\(current.count) voltage_nV=\(voltage.count)"
    case .constantVoltage(let voltage): "mode=voltage voltage_nV=\(voltage.count)"
    case .demand(let demand, let from): "mode=demand \(demand.transcriptText) from_pA=\(from.count)"
    case .sweep(let sweep):
      "mode=sweep from_nV=\(sweep.from.count) to_nV=\(sweep.to.map { "\($0.count)" }.joined(separator: ",")) "
        + "rate_nV_per_h=\(sweep.rate.count) own_end=\(sweep.ownEnd)"
    case .profile(let profile, let ownEnd):
      "mode=profile rows_pA_us=\(profile.rows.map { "\($0.current.count):\($0.duration.count)" }.joined(separator: ",")) "
        + "own_end=\(ownEnd)"
    case .impedance(let impedance): "mode=impedance \(impedance.transcriptText)"
    }
  }

  fileprivate init(from fields: inout TranscriptFields) throws(TranscriptMistake) {
    let mode = try fields.word("mode")
    switch mode {
    case "open": self = .openCircuit
    case "current": self = .constantCurrent(try Self.current(from: &fields))
    case "current_then_voltage":
      self = .constantCurrentThenVoltage(
        try Self.current(from: &fields), try fields.quantity("voltage_nV", in: ChannelCommand.volts))
    case "voltage": self = .constantVoltage(try fields.quantity("voltage_nV", in: ChannelCommand.volts))
    case "demand":
      let demand = try CurrentDemand(from: &fields)
      self = .demand(demand, from: try fields.quantity("from_pA", in: 0...demand.currentAtMost.count))
    case "sweep": self = .sweep(try Setpoint.Sweep(from: &fields))
    case "profile":
      self = .profile(try CurrentProfile(from: &fields), ownEnd: try fields.integer("own_end", in: 0...1_000))
    case "impedance": self = .impedance(try Setpoint.Impedance(from: &fields))
    default: throw TranscriptMistake("mode=\(mode) is unknown")
    }
  }

  private static func current(from fields: inout TranscriptFields) throws(TranscriptMistake) -> Current {
    let current: Current = try fields.quantity("current_pA", in: ChannelCommand.amperes)
    if current == .zero { throw TranscriptMistake("current_pA= is never zero: nothing is driven with mode=open") }
    return current
  }
}

extension CurrentDemand {
  fileprivate var transcriptText: String {
    let law =
      switch law {
      case .power(let power): "power_pW=\(power.count)"
      case .resistance(let resistance): "resistance_uOhm=\(resistance.count)"
      }
    return "direction=\(direction.rawValue) \(law) most_pA=\(currentAtMost.count)"
  }

  fileprivate init(from fields: inout TranscriptFields) throws(TranscriptMistake) {
    let sign: Int8 = try fields.integer("direction", in: -1...1)
    guard let direction = Direction(rawValue: sign), direction != .none else {
      throw TranscriptMistake("direction= is 1 for charge or -1 for discharge")
    }
    let law: Law =
      fields.isNext("power_pW")
      ? .power(try fields.quantity("power_pW", in: ChannelCommand.some))
      : .resistance(try fields.quantity("resistance_uOhm", in: ChannelCommand.some))
    self.init(
      direction: direction, law: law, currentAtMost: try fields.quantity("most_pA", in: ChannelCommand.some))
  }
}

extension Setpoint.Sweep {
  fileprivate init(from fields: inout TranscriptFields) throws(TranscriptMistake) {
    let from: Voltage = try fields.quantity("from_nV", in: ChannelCommand.volts)
    var targets: [Voltage] = []
    for word in try fields.word("to_nV").split(separator: ",", omittingEmptySubsequences: false) {
      let target = Voltage(count: try TranscriptFields.integer(word, "to_nV", in: ChannelCommand.volts))
      if target == targets.last ?? from { throw TranscriptMistake("to_nV= has the same voltage twice in a row") }
      targets.append(target)
    }
    self.init(
      from: from, to: targets, rate: try fields.quantity("rate_nV_per_h", in: 1...Int64(1e18)),
      ownEnd: try fields.integer("own_end", in: 0...1_000))
  }
}

extension CurrentProfile {
  fileprivate init(from fields: inout TranscriptFields) throws(TranscriptMistake) {
    var rows: [Row] = []
    for word in try fields.word("rows_pA_us").split(separator: ",", omittingEmptySubsequences: false) {
      let parts = word.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 2 else { throw TranscriptMistake("rows_pA_us= takes CURRENT:DURATION, not `\(word)`") }
      rows.append(
        Row(
          current: Current(count: try TranscriptFields.integer(parts[0], "rows_pA_us", in: ChannelCommand.amperes)),
          duration: TimeSpan(count: try TranscriptFields.integer(parts[1], "rows_pA_us", in: ChannelCommand.some))))
    }
    guard rows.count <= Self.mostRows, rows.contains(where: { $0.current != .zero }) else {
      throw TranscriptMistake("rows_pA_us= has at most \(Self.mostRows) rows, and one of them drives something")
    }
    self.init(rows: rows)
  }
}

extension Setpoint.Impedance {
  fileprivate var transcriptText: String {
    "amplitude_nV=\(spectrum.amplitude.count) from_uHz=\(spectrum.from.count) to_uHz=\(spectrum.to.count) "
      + "points=\(spectrum.points) most_pA=\(spectrum.currentAtMost.count) plate=\(spectrum.mayPlate ? 1 : 0) "
      + "around_nV=\(around.count) own_end=\(ownEnd)"
  }

  fileprivate init(from fields: inout TranscriptFields) throws(TranscriptMistake) {
    let amplitude: Voltage = try fields.quantity("amplitude_nV", in: ChannelCommand.some)
    let from: Frequency = try fields.quantity("from_uHz", in: ChannelCommand.some)
    let to: Frequency = try fields.quantity("to_uHz", in: ChannelCommand.some)
    if from == to { throw TranscriptMistake("from_uHz= and to_uHz= are two different frequencies") }
    let points: Int32 = try fields.integer("points", in: 2...100_000)
    var spectrum = ImpedanceSpectrum(
      amplitude: amplitude, from: from, to: to, pointsPerDecade: 1,
      currentAtMost: try fields.quantity("most_pA", in: ChannelCommand.magnitude),
      mayPlate: try fields.integer("plate", in: 0...1) == 1)
    spectrum.points = points
    self.init(
      spectrum, around: try fields.quantity("around_nV", in: ChannelCommand.volts),
      ownEnd: try fields.integer("own_end", in: 0...1_000))
  }
}
