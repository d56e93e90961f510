// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CyclerModel
internal import Quantities

/// What is known to be no temperature although it looks like one. Each series of such readings is told once.
struct SensorJudgement: Sendable, Hashable {
  /// What the usual libraries answer for a DS18B20 that does not.
  static let disconnected = Temperature(millidegrees: -127_000)
  /// What a DS18B20 holds after its supply came back and before its first conversion (its data sheet, "power-on reset
  /// value"). A sensor that really stands there comes from nearby.
  static let powerOn = Temperature(millidegrees: 85_000)
  /// So near was the reading before, if 85 °C is true; more than a sensor warms between two readings.
  static let nearby = Temperature(millidegrees: 2_000)
  /// And not longer ago than this.
  static let recently = TimeSpan(seconds: 10)
  /// What a platinum sensor can be (IEC 60751).
  static let coldest = Temperature(millidegrees: -200_000)
  static let hottest = Temperature(millidegrees: 850_000)

  /// Whether the last reading was a temperature.
  private(set) var isTrusted = true
  private var last: Temperature?
  private var lastAt = HostInstant(microseconds: 0)

  /// Judges a reading; a fault when it is the first that is none.
  mutating func judge(_ temperature: Temperature, at now: HostInstant) -> Fault? {
    if temperature == Self.disconnected {
      return refuse("\(temperature.written), which a sensor says that is not connected")
    }
    if temperature < Self.coldest || temperature > Self.hottest {
      return refuse("\(temperature.written), which no sensor can measure")
    }
    if temperature == Self.powerOn, !isNearby(temperature, now) {
      return refuse("\(temperature.written), which a sensor says that has just got its supply back")
    }
    isTrusted = true
    last = temperature
    lastAt = now
    return nil
  }

  /// Takes the instrument's own word for it; a fault when it is the first.
  mutating func failed(_ word: String) -> Fault? { refuse("`\(word)`") }

  private func isNearby(_ temperature: Temperature, _ now: HostInstant) -> Bool {
    guard let last, now - lastAt <= Self.recently else { return false }
    return (temperature - last).magnitude <= Self.nearby
  }

  private mutating func refuse(_ what: String) -> Fault? {
    defer { isTrusted = false }
    return isTrusted ? Fault(.observerSensor, "the thermometer says \(what); it is not taken for a temperature") : nil
  }
}
