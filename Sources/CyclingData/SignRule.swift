// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Which way a current flows, in tables that have a word for what each step does. Neware, Arbin and most others write the
// sign; Maccor and some exports of Neware write magnitudes; models of the other convention write a discharge as positive.
// The word decides where sign and word disagree, and a table that does both is refused: a discharge counted as a charge
// is the worst that can happen to an efficiency.

/// Gives the currents of a table their sign.
struct SignRule: Sendable, Hashable {
  private enum Convention: Sendable, Hashable { case unknown, signed, byWord }
  private var convention = Convention.unknown
  // Sums of magnitudes: of currents with their word's sign and of those against it, and of those without a word.
  private var chargingAlike = 0.0
  private var dischargingAlike = 0.0
  private var chargingUnlike = 0.0
  private var dischargingUnlike = 0.0
  private var wordless = 0.0
  private var wasUnlike = false
  /// The line of the first record whose current has not the sign of its word.
  private(set) var firstUnlike: Int?

  /// More than this share on the other side is no noise at a turn.
  private static let tolerance = 0.05

  private var alike: Double { chargingAlike + dischargingAlike }
  private var unlike: Double { chargingUnlike + dischargingUnlike }
  private var isSigned: Bool { unlike <= Self.tolerance * (alike + unlike) }

  /// Whether the word gives the sign, to more than the noise at a turn.
  var readsWords: Bool { convention == .byWord && !isSigned }
  /// Whether no current of the table has a sign of its own.
  var areMagnitudes: Bool { readsWords && dischargingAlike == 0 && chargingUnlike == 0 }

  /// Gives the row's current its sign.
  @inline(__always)
  mutating func apply(_ row: inout DataRow) {
    guard row.current != 0 else { return }
    guard row.typeSign != 0 else {
      wordless += row.current.magnitude
      return
    }
    let isAlike = row.current * row.typeSign > 0
    count(row, isAlike)
    if convention == .byWord { row.current = row.current.magnitude * row.typeSign }
  }

  private mutating func count(_ row: DataRow, _ isAlike: Bool) {
    let magnitude = row.current.magnitude
    switch (row.typeSign > 0, isAlike) {
    case (true, true): chargingAlike += magnitude
    case (false, true):
      dischargingAlike += magnitude
      if convention == .unknown { convention = .signed }
    case (true, false):
      chargingUnlike += magnitude
      // Once may be the noise of a current that has not begun.
      if convention == .unknown, chargingAlike > 0 || wasUnlike { convention = chargingAlike > 0 ? .signed : .byWord }
    case (false, false):
      dischargingUnlike += magnitude
      if convention == .unknown { convention = .byWord }
    }
    wasUnlike = !isAlike
    if !isAlike, firstUnlike == nil { firstUnlike = row.line }
  }

  /// Why the signs cannot be trusted, or nil.
  var problem: DataProblem? {
    let all = alike + unlike
    let isMagnitude = dischargingAlike + chargingUnlike <= Self.tolerance * all
    let isReversed = alike <= Self.tolerance * all
    guard all > 0 else { return nil }
    switch convention {
    case .unknown, .signed: if isSigned { return nil }
    case .byWord:
      if isMagnitude || isReversed || isSigned {
        guard isMagnitude, !isSigned, wordless > Self.tolerance * all else { return nil }
        return DataProblem(
          "data.no_sign", line: firstUnlike,
          "the currents are magnitudes, and some flow in steps whose word does not say in which direction",
          hint: "export the currents with their sign")
      }
    }
    return DataProblem(
      "data.signs", line: firstUnlike,
      "the signs of the currents and the words for the steps contradict each other, here for the first time",
      hint: "say which column holds the right word: --columns step_type=NAME; or leave the wrong column out of the file"
    )
  }
}
