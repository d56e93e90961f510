// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// The clock on the wall of an instrument that was switched on first on 1 January 2026, in UTC.
enum Calendar {
  /// Seconds from 1970 to the first power-on.
  static let epoch = 1_767_225_600

  /// A moment as parts of a date.
  struct Moment: Sendable, Hashable {
    var year: Int
    var month: Int
    var day: Int
    var second: Int
    /// Seconds below the second.
    var fraction: Double
  }

  /// The moment so many seconds after the first power-on.
  static func moment(_ time: Double) -> Moment {
    let whole = Int(time.rounded(.down))
    var day = whole / 86_400
    var (year, month) = (2026, 1)
    while day >= length(of: month, year) {
      day -= length(of: month, year)
      month += 1
      if month == 13 { (year, month) = (year + 1, 1) }
    }
    return Moment(year: year, month: month, day: day + 1, second: whole % 86_400, fraction: time - Double(whole))
  }

  private static func length(of month: Int, _ year: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// `2026/01/31 12:57:04.484`, as the event log has it.
  static func stamp(_ time: Double) -> String {
    let moment = moment(time)
    return "\(moment.year)/\(two(moment.month))/\(two(moment.day)) \(clock(moment))"
      + "." + digits(Int(moment.fraction * 1e3), 3)
  }

  /// `01/31/2026`, as readings have it.
  static func date(_ time: Double) -> String {
    let moment = moment(time)
    return "\(two(moment.month))/\(two(moment.day))/\(moment.year)"
  }

  /// `12:57:04.484210`, as readings have it.
  static func timeOfDay(_ time: Double) -> String {
    let moment = moment(time)
    return clock(moment) + "." + digits(Int(moment.fraction * 1e6), 6)
  }

  private static func clock(_ moment: Moment) -> String {
    "\(two(moment.second / 3_600)):\(two(moment.second / 60 % 60)):\(two(moment.second % 60))"
  }

  private static func two(_ number: Int) -> String { digits(number, 2) }

  private static func digits(_ number: Int, _ count: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
  }
}
