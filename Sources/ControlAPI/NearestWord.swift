// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// Finds the word that somebody probably meant.
public enum NearestWord {
  /// The known word with the fewest changed, added, dropped or swapped letters, at most a third of the longer word;
  /// nil when none is near enough.
  public static func to(_ word: String, among known: [String]) -> String? {
    var best: (word: String, distance: Int)?
    for candidate in known {
      let distance = editDistance(Array(word.lowercased().utf8), Array(candidate.lowercased().utf8))
      guard distance * 3 <= max(word.utf8.count, candidate.utf8.count), distance < best?.distance ?? Int.max else {
        continue
      }
      best = (candidate, distance)
    }
    return best?.word
  }

  /// Letters that must be changed, added, dropped or swapped with their neighbour (optimal string alignment).
  private static func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var beforeLast = [Int](repeating: 0, count: right.count + 1)
    var last = Array(0...right.count)
    for row in 0..<left.count {
      var current = [row + 1]
      for column in 0..<right.count {
        let substitution = last[column] + (left[row] == right[column] ? 0 : 1)
        var cost = min(substitution, last[column + 1] + 1, current[column] + 1)
        if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
          cost = min(cost, beforeLast[column - 1] + 1)
        }
        current.append(cost)
      }
      beforeLast = last
      last = current
    }
    return last[right.count]
  }
}
