// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CyclerModel
internal import Quantities
internal import Synchronization

/// The last word of a thermometer: its port's thread writes it, the threads of the channels that it is bound to look at it
/// once a turn. Nobody waits for anybody, and nothing is allocated.
///
/// One 64-bit word holds both halves, so a reader sees a temperature with its own arrival and never with another's. Only
/// one thread writes at a time: a thermometer is at one port. The word stands for itself and publishes no other memory, so
/// relaxed loads and stores are enough; the class is `Sendable` without a word of ours, because all that it has is one
/// atomic.
final class ObservationCell: Sendable {
  /// Bits for the temperature: thousandths of a kelvin up to 2,097 K. Above them are 43 bits for the arrival in
  /// milliseconds since boot, 278 years.
  private static let temperatureBits: UInt64 = 21
  /// 0 degC in thousandths of a kelvin.
  private static let zeroCelsius: Int64 = 273_150
  /// 0: nothing was said yet.
  private let word = Atomic<UInt64>(0)

  /// Keeps what was said.
  func post(_ temperature: Temperature, at now: HostInstant) {
    let largest = Int64(1) << Int64(Self.temperatureBits) - 1
    let kelvin = UInt64(min(max(temperature.millidegrees + Self.zeroCelsius, 0), largest))
    // Never 0, however early after boot it is.
    let milliseconds = UInt64(max(now.microseconds / 1_000, 1))
    word.store(milliseconds << Self.temperatureBits | kelvin, ordering: .relaxed)
  }

  /// The word as it is, to be compared with an earlier one.
  var latest: UInt64 { word.load(ordering: .relaxed) }

  /// What a word says; nil when nothing was said yet.
  static func observation(in word: UInt64) -> ObservedTemperature? {
    guard word != 0 else { return nil }
    let kelvin = Int64(word & (1 << temperatureBits - 1))
    return ObservedTemperature(
      Temperature(millidegrees: kelvin - zeroCelsius),
      arrivedAt: HostInstant(microseconds: Int64(word >> temperatureBits) * 1_000))
  }

  /// What was said last.
  var observation: ObservedTemperature? { Self.observation(in: latest) }
}
