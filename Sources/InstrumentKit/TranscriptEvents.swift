// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Events as text. They are compared as text, line by line, so nothing reads them back; every field is there, each in the
// smallest unit of its quantity, and what is not known is `-`.

internal import CyclerModel
internal import Quantities

extension DriverEvent {
  /// As one line of a transcript.
  var transcriptText: String {
    switch self {
    case .identified(let identity): "identified \(identity.transcriptText)"
    case .began(let channel, let token): "began channel=\(channel) \(token.transcriptText)"
    case .circuitClosed(let channel, let time): "circuit_closed channel=\(channel) at_us=\(time.count)"
    case .circuitMarkLost(let channel, let time): "circuit_mark_lost channel=\(channel) at_us=\(time.count)"
    case .holdBegan(let channel, let time): "hold_began channel=\(channel) at_us=\(time.count)"
    case .reading(let channel, let reading): "reading channel=\(channel) \(reading.transcriptText)"
    case .impedance(let channel, let point): "impedance channel=\(channel) \(point.transcriptText)"
    case .circuitOpened(let channel, let time): "circuit_opened channel=\(channel) at_us=\(time.count)"
    case .ended(let channel, let token, let end):
      "ended channel=\(channel) \(token.transcriptText) \(end.transcriptText)"
    case .refused(let channel, let token, let fault):
      "refused channel=\(channel) \(token.transcriptText) \(fault.transcriptText)"
    case .orphanEnded(let channel, let token, let last, let opened, let end):
      "orphan_ended channel=\(channel) \(token.transcriptText) \(last?.transcriptText ?? "reading=-") "
        + "opened_us=\(counted(opened)) \(end?.transcriptText ?? "end=-")"
    case .circuit(let channel, let state): "circuit channel=\(channel) \(state.transcriptText)"
    case .temperature(let temperature): "temperature millidegrees=\(temperature.count)"
    case .fault(let channel, let fault): "fault channel=\(channel.map { "\($0)" } ?? "-") \(fault.transcriptText)"
    }
  }
}

/// A quantity in its smallest unit, or `-`.
private func counted(_ value: (some FixedPointQuantity)?) -> String { value.map { "\($0.count)" } ?? "-" }

extension SetpointToken {
  fileprivate var transcriptText: String { "run=\(run) step=\(stepCount)" }
}

extension Reading {
  fileprivate var transcriptText: String {
    "at_us=\(time.count) voltage_nV=\(counted(voltage)) current_pA=\(counted(current)) range=\(range) "
      + "quality=\(quality.rawValue)"
  }
}

extension ImpedancePoint {
  fileprivate var transcriptText: String {
    "at_us=\(time.count) frequency_uHz=\(frequency.count) real_uOhm=\(real.count) imaginary_uOhm=\(imaginary.count) "
      + "voltage_nV=\(counted(voltage)) current_pA=\(counted(current)) quality=\(quality.rawValue)"
  }
}

extension Fault {
  fileprivate var transcriptText: String { "code=\(code.rawValue) detail=\(TranscriptBytes.quoted(detail))" }
}

extension SetpointEnd {
  fileprivate var transcriptText: String {
    switch self {
    case .cutOff(let index): "end=cut_off:\(index)"
    case .bound(let fault): "end=bound \(fault.transcriptText)"
    case .leaseExpired: "end=lease_expired"
    case .requested: "end=requested"
    case .failed(let fault): "end=failed \(fault.transcriptText)"
    }
  }
}

extension CircuitState {
  fileprivate var transcriptText: String {
    switch self {
    case .closed: "state=closed"
    case .openConfirmed: "state=open_confirmed"
    case .openLeaseExpired(let at): "state=open_lease_expired unix_us=\(at.microseconds)"
    case .unknown: "state=unknown"
    }
  }
}

extension InstrumentIdentity {
  /// Model, serial number and firmware, for a header.
  var transcriptTitle: String {
    "\(model), serial number \(serial.isEmpty ? "none" : serial), firmware \(firmware.isEmpty ? "unknown" : firmware)"
  }

  fileprivate var transcriptText: String {
    "family=\(TranscriptBytes.quoted(family)) model=\(TranscriptBytes.quoted(model)) "
      + "serial=\(TranscriptBytes.quoted(serial)) firmware=\(TranscriptBytes.quoted(firmware)) "
      + capabilities.transcriptText
  }
}

extension InstrumentCapabilities {
  fileprivate var transcriptText: String {
    let accuracy = currentAccuracy.map { "\($0.fullScale.count):\($0.gainPartsPerMillion):\($0.offset.count)" }
    let elsewhere = elsewhere.sorted { $0.key.rawValue < $1.key.rawValue }
      .map { " elsewhere=\($0.key.rawValue):\(TranscriptBytes.quoted($0.value))" }
    return [
      "channels=\(channels)", "kinds=\(listed(kinds.map(\.rawValue).sorted()))",
      "voltage_nV=\(voltage.from.count):\(voltage.to.count)", "most_pA=\(maximumCurrent.count)",
      "ranges_pA=\(listed(currentRanges.map { "\($0.count)" }))", "accuracy=\(listed(accuracy))",
      "interval_us=\(shortestReadingInterval.count)", "voltage_ppm=\(voltageErrorPartsPerMillion)",
      "voltage_offset_nV=\(voltageOffsetError.count)", "holds_bounds=\(holdsBounds ? 1 : 0)",
      "has_lease=\(hasLease ? 1 : 0)", "lease_hole=\(leaseHole.map(TranscriptBytes.quoted) ?? "-")",
      "open_circuit=\(openCircuit.rawValue)", "observes=\(listed(observes.map(\.rawValue).sorted()))",
      "highest_uHz=\(counted(highestFrequency))",
    ].joined(separator: " ") + elsewhere.joined()
  }

  private func listed(_ words: [String]) -> String { words.isEmpty ? "-" : words.joined(separator: ",") }
}
