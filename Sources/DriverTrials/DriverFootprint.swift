// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// How much a driver keeps: what no input may make grow without bound. Counts what its collections hold, through all of its
/// parts, so that the count is the same on every machine and in every build.
enum DriverFootprint {
  /// More than a line of data, a script and a queue of questions together.
  static let most = 65_536

  /// About the bytes of all collections and strings in a value.
  static func bytes(of value: Any) -> Int {
    if let bytes = value as? [UInt8] { return bytes.count }
    if let text = value as? String { return text.utf8.count }
    let mirror = Mirror(reflecting: value)
    let isCollection =
      mirror.displayStyle == .collection || mirror.displayStyle == .dictionary || mirror.displayStyle == .set
    var sum = isCollection ? mirror.children.count * 8 : 0
    for child in mirror.children { sum += bytes(of: child.value) }
    return sum
  }
}
