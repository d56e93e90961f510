// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Numbers as people read them. Foundation's formatters would cost more at start than everything else that nactl does.

import Glibc

/// Formats numbers.
enum Numbers {
  /// What stands for a value that is not known.
  static let unknown = "–"

  /// With so many digits after the point, rounded half away from zero; exact up to 15 digits in all.
  static func fixed(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite else { return "\(value)" }
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    let scaled = (value.magnitude * scale).rounded(.toNearestOrAwayFromZero)
    guard scaled < 9e15 else { return "\(value)" }
    let digits = String(Int64(scaled))
    let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
    let sign = value < 0 && scaled > 0 ? "-" : ""
    return decimals == 0 ? sign + padded : "\(sign)\(padded.dropLast(decimals)).\(padded.suffix(decimals))"
  }

  /// With a prefix of the SI and four significant digits, for instance `134.3 µA`.
  static func scaled(_ value: Double, _ unit: String) -> String {
    guard value != 0, value.isFinite else { return "\(fixed(value, 0)) \(unit)" }
    let prefixes = [(1e-12, "p"), (1e-9, "n"), (1e-6, "µ"), (1e-3, "m"), (1.0, ""), (1e3, "k"), (1e6, "M")]
    // 999.95 of a prefix would be shown as 1000.0; it belongs to the next one.
    let chosen = prefixes.last { value.magnitude >= $0.0 * 0.99995 } ?? prefixes[0]
    let number = value / chosen.0
    let decimals = number.magnitude >= 99.995 ? 1 : number.magnitude >= 9.9995 ? 2 : 3
    return "\(fixed(number, decimals)) \(chosen.1)\(unit)"
  }

  /// A fraction as per cent.
  static func percent(_ fraction: Double?, decimals: Int = 2) -> String {
    fraction.map { fixed($0 * 100, decimals) } ?? unknown
  }

  /// Hours, minutes and seconds; whole seconds from ten minutes on.
  static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds.magnitude < 1e12 else { return "\(seconds) s" }
    if seconds < 600 { return "\(fixed(seconds, 1)) s" }
    let whole = Int64(seconds)
    return "\(whole / 3600):\(two(whole / 60 % 60)):\(two(whole % 60))"
  }

  /// Local time of day.
  static func timeOfDay(unixMicroseconds: Int64) -> String {
    let parts = local(unixMicroseconds)
    return "\(two(Int64(parts.tm_hour))):\(two(Int64(parts.tm_min))):\(two(Int64(parts.tm_sec)))"
  }

  /// Local date and time with the offset to UTC.
  static func instant(unixMicroseconds: Int64) -> String {
    let parts = local(unixMicroseconds)
    let date = "\(parts.tm_year + 1900)-\(two(Int64(parts.tm_mon) + 1))-\(two(Int64(parts.tm_mday)))"
    let offset = abs(parts.tm_gmtoff) / 60
    let zone = "\(parts.tm_gmtoff < 0 ? "-" : "+")\(two(Int64(offset / 60))):\(two(Int64(offset % 60)))"
    return "\(date) \(timeOfDay(unixMicroseconds: unixMicroseconds)) \(zone)"
  }

  /// Bytes in binary units.
  static func bytes(_ count: Int) -> String {
    count < 1 << 20 ? "\(count / 1024) KiB" : "\(fixed(Double(count) / 1_048_576, 1)) MiB"
  }

  private static func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }

  private static func local(_ unixMicroseconds: Int64) -> tm {
    var seconds = time_t(unixMicroseconds.magnitude / 1_000_000)
    if unixMicroseconds < 0 { seconds = -seconds }
    var parts = tm()
    localtime_r(&seconds, &parts)
    return parts
  }
}
