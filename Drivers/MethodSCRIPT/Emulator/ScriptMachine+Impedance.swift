// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Impedance loops. Over a point the potential is held and the sine on top of it is not driven sample by sample: over
// whole periods it moves no charge, and what it would show follows from the cell's own equations.

import VirtualLab

extension ScriptMachine {
  mutating func begin(
    _ spectrum: MeasurementLoop.Spectrum, of loop: MeasurementLoop, on potentiostat: inout Potentiostat,
    output: inout [UInt8]
  ) throws(ErrorCode) {
    guard potentiostat.mode != .galvanostat, potentiostat.mode != .off else { throw .wrongMode }
    guard potentiostat.isCellOn else { throw .needsCellOn }
    let profile = potentiostat.profile
    let amplitude = try number(spectrum.amplitude)
    let (start, end) = (try number(spectrum.start), try number(spectrum.end))
    let count = values[try place(spectrum.count)].asNumber
    guard amplitude > 0, start > 0, end > 0 else { throw .mustBePositive }
    guard amplitude <= profile.largestAmplitude, max(start, end) <= profile.highestFrequency, count >= 1,
      count <= 10_000
    else { throw .outOfBounds }
    // Thirty years, as for every other time.
    guard min(start, end) > 1e-8 else { throw .outOfBounds }
    if let setValue = loop.setValue { try potentiostat.apply(voltage: try number(setValue), at: now) }
    activeLoop = ActiveLoop(
      start: now, interval: 0, end: .max,
      spectrum: SpectrumCourse(from: start, to: end, count: Int32(count), amplitude: amplitude))
    loopsSinceHostSpoke += 1
    readyAt = now
    if sendsOutput { Self.append(loop.technique.announcement, to: &output) }
  }

  /// Begins another point and waits for its end, or leaves for `exit`.
  mutating func awaitPoint(of loop: ActiveLoop, exit: Int32) {
    var loop = loop
    if loop.count > 0 { loop.spectrum?.advance() }
    if let spectrum = loop.spectrum, spectrum.left > 0, !loop.isAborted {
      loop.count += 1
      readyAt = now + spectrum.duration
      isWaiting = true
    } else {
      counter = Int(exit)
    }
    activeLoop = loop
  }

  mutating func takePoint(
    _ spectrum: MeasurementLoop.Spectrum, of loop: MeasurementLoop, _ active: ActiveLoop,
    on potentiostat: inout Potentiostat
  ) throws(ErrorCode) {
    guard let course = active.spectrum else { return }
    values[try place(loop.potential)] = ScriptValue(course.frequency, .frequency)
    let (real, imaginary) = potentiostat.measureImpedance(course.frequency, amplitude: course.amplitude, at: now)
    values[try place(spectrum.real)] = real
    values[try place(spectrum.imaginary)] = imaginary
    if let time = loop.time { values[try place(time)] = ScriptValue(Double(now - active.start) / 1e9, .time) }
    for addition in loop.additions {
      values[try place(addition.into)] = measure(addition.quantity, on: &potentiostat, isLate: false)
    }
  }
}
